/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"
#include "system/load.h"

/* The PATH arguments of a command that reads upper layers. */

struct diff_path {
	char *path; /* clean, absolute; links are followed, but not at the end */
	const char *argument;
	bool found;   /* diff_paths_covers() was true for it */
	size_t outer; /* the next one above this; SIZE_MAX: none */
};

struct diff_paths {
	struct diff_path *paths; /* in the order of paths; none: everything is asked for */
	size_t n;
};

/**
 * diff_paths_read - find out what the arguments mean
 * @arguments: @n of them; borrowed
 * @ret:       diff_paths_done() frees it, also after a failure
 *
 * Relative paths start at the working directory. Links are those of the running system.
 *
 * Returns: 0; -EINVAL when one is neither below an overlay nor above one; or another -errno. All but
 * -ENOMEM are reported on stderr.
 */
int diff_paths_read(const struct loaded *l, char **arguments, size_t n, struct diff_paths *ret);
void diff_paths_done(struct diff_paths *p);

/** diff_paths_leads - is @path, or something below it, asked for? */
bool diff_paths_leads(const struct diff_paths *p, const char *path);

/**
 * diff_paths_covers - is @path asked for? Marks the arguments that ask for it as found.
 * @hides: it stands for all that is below it: it is deleted, for example
 */
bool diff_paths_covers(struct diff_paths *p, const char *path, bool hides);

#define _cleanup_diff_paths_ _cleanup_(diff_paths_done)
