/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"
#include "system/load.h"

/* The PATH arguments of a verb that works on what overlays hold. */

struct diff_path {
	char *path; /* clean, absolute, links resolved but for the last component */
	const char *argument;
	bool found; /* a change there was told */
};

struct diff_paths {
	struct diff_path *paths; /* none: everything */
	size_t n;
};

/**
 * diff_paths_read - find out where the arguments are
 * @arguments: @n of them; borrowed
 * @ret:       diff_paths_done() frees it, also after a failure
 *
 * Relative ones start at the working directory. Links are followed as the running system has them.
 *
 * Returns: 0, -EINVAL when one is neither below an overlay nor above one (told on stderr), or
 * another -errno.
 */
int diff_paths_read(const struct loaded *l, char **arguments, size_t n, struct diff_paths *ret);
void diff_paths_done(struct diff_paths *p);

/** diff_paths_leads - is @path, or something below it, asked for? */
bool diff_paths_leads(const struct diff_paths *p, const char *path);

/**
 * diff_paths_covers - is @path asked for? Marks the arguments it belongs to as found.
 * @hides: so is, with it, all below it: it is deleted, say
 */
bool diff_paths_covers(struct diff_paths *p, const char *path, bool hides);

#define _cleanup_diff_paths_ _cleanup_(diff_paths_done)
