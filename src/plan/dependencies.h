/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/diag.h"
#include "plan/facts.h"

/** enum dependency - what a unit is to the mount that it is named for */
enum dependency {
	DEPENDENCY_REQUIRES, /* started first; the mount fails with it */
	DEPENDENCY_WANTS,    /* the same, but for a failure */
	DEPENDENCY_AFTER,
	DEPENDENCY_BEFORE,
	DEPENDENCY_REQUIRES_MOUNTS_FOR, /* a path */
	DEPENDENCY_WANTED_BY,
	DEPENDENCY_REQUIRED_BY,
	_DEPENDENCY_MAX,
};

struct plan_dependency {
	enum dependency kind;
	char *name; /* of a unit; of DEPENDENCY_REQUIRES_MOUNTS_FOR a clean path */
};

/** struct plan_dependencies - in the order in which they were written; owned */
struct plan_dependencies {
	struct plan_dependency *list;
	size_t n;
};

/**
 * dependencies_simplify - say each thing once
 *
 * What is required is wanted, and what is required or wanted is waited for: of one unit, the strongest of
 * these stays, where it was said first. Returns: 0 or -ENOMEM.
 */
int dependencies_simplify(struct plan_dependencies *d);

/** dependencies_add_words - @words: units, separated by blanks, or NULL. Returns: 0 or -ENOMEM. */
int dependencies_add_words(struct plan_dependencies *d, enum dependency kind, const char *words);

/**
 * dependencies_is_own - is it a unit of the mount on @dir, or of what is below?
 *
 * Those of rofs are, too: of the layers of the overlay there, and what prepares them.
 *
 * Then the mount of @dir would wait for itself. Returns: 0 or -ENOMEM.
 */
int dependencies_is_own(const char *unit, const char *dir, bool *ret);

/**
 * dependencies_add_fstab - what the x-systemd.* options of a line say
 * @diag: receives a warning for each value that names no unit
 *
 * A name without a type is that of a mount unit: unit_name_mangle(). What names the mount point of the
 * line itself, or what is below, is left out.
 *
 * Returns: 0 or -ENOMEM.
 */
int dependencies_add_fstab(struct plan_dependencies *d, const struct fstab_entry *e,
			   struct diag *diag);

/**
 * dependencies_timeout - the value of an option that is a timeout, as systemd reads it
 * @ret: in microseconds; 0: it is not there, or not a time
 *
 * Returns: 0 or -ENOMEM.
 */
int dependencies_timeout(const char *options, const char *name, uint64_t *ret);

void dependencies_done(struct plan_dependencies *d);

#define _cleanup_dependencies_ _cleanup_(dependencies_done)
