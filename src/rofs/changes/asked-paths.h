/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"
#include "system/load.h"

/* The PATH arguments of a command that reads upper layers. */

struct asked_path {
	/* First, for path_count_before(). Clean, absolute; links are followed, but not at the end. */
	char *path;
	const char *argument;
	bool found;   /* asked_paths_covers() was true for it */
	size_t outer; /* the next one above this; SIZE_MAX: none */
};

struct asked_paths {
	struct asked_path *paths; /* in the order of paths; none: everything is asked for */
	size_t n;
};

/**
 * asked_paths_read - find out what the arguments mean
 * @arguments: @n of them; borrowed
 * @ret:       asked_paths_done() frees it, also after a failure
 *
 * Relative paths start at the working directory. Links are those of the running system.
 *
 * Returns: 0; -EINVAL when one is neither below an overlay nor above one; or another -errno. All but
 * -ENOMEM are reported on stderr.
 */
int asked_paths_read(const struct loaded *l, char **arguments, size_t n, struct asked_paths *ret);
void asked_paths_done(struct asked_paths *p);

/** asked_paths_leads - is @path, or something below it, asked for? */
bool asked_paths_leads(const struct asked_paths *p, const char *path);

/** asked_paths_names - is @path itself one of the paths, not only below one? */
bool asked_paths_names(const struct asked_paths *p, const char *path);

/**
 * asked_paths_covers - is @path asked for? Marks the arguments that ask for it as found.
 * @hides: it stands for all that is below it: it is deleted, for example
 */
bool asked_paths_covers(struct asked_paths *p, const char *path, bool hides);

/** asked_paths_overlay - the overlay that @path is in, NULL for none */
const struct plan_overlay *asked_paths_overlay(const struct plan *p, const char *path);

#define _cleanup_asked_paths_ _cleanup_(asked_paths_done)
