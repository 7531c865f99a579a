/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/facts.h"

/** enum refusal - why a section is left out that could have its path, the first to be settled first */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_OWN,	   /* for what it says itself, or for its partition or its path */
	REFUSAL_DIRECTORY, /* another section has its directory on the partition */
	REFUSAL_OTHER,	   /* for what another section is, or is not */
};

/**
 * struct claim - a section and the path it wants
 *
 * @refused is set for a section that cannot have its path: the same path twice, anything below a
 * persist, a path that resolves to a forbidden place, or a section that was invalid or left out before.
 */
struct claim {
	const struct conf_section *section;
	const struct path_fact *fact;
	const struct claim
		*above; /* the nearest claim above this one that was not refused, or NULL */
	bool refused;
	enum refusal refusal;
	size_t first, last; /* with a refusal: its messages, from one entry to before the other */
};

/**
 * claims_build - hold the declared paths against each other
 * @left_out: by the order of the sections: those that are not considered
 * @ret: array in the order of path_compare(); the caller frees it. @ret_n entries: all overlays and
 *       persists.
 *
 * Returns: 0 (mistakes are in @d) or -ENOMEM.
 */
int claims_build(const struct conf *conf, const struct facts *facts, const bool *left_out,
		 struct diag *d, struct claim **ret, size_t *ret_n);

/** claim_refuse - leave the section out. @first: its messages begin with this entry of @d. */
void claim_refuse(struct claim *c, enum refusal why, size_t first, const struct diag *d);

/** claims_exist - is there one that was not refused? */
bool claims_exist(const struct claim *claims, size_t n);

/** claims_find - the claim on exactly this path that was not refused, or NULL. */
const struct claim *claims_find(const struct claim *claims, size_t n, const char *path);

/**
 * claims_on - all on exactly this path, refused or not
 * @ret_n: how many
 *
 * Returns: the first of them, or NULL.
 */
const struct claim *claims_on(const struct claim *claims, size_t n, const char *path,
			      size_t *ret_n);

/** claims_at_or_above - the same on @path or nearest above it. @path is cut while it is looked for. */
const struct claim *claims_at_or_above(const struct claim *claims, size_t n, char *path);

/**
 * claims_overlay_above - the overlay that is declared nearest above @path, refused or not
 *
 * Returns: NULL when there is none, or no memory to look for it: it is wanted for a message.
 */
const struct claim *claims_overlay_above(const struct claim *claims, size_t n, const char *path);
