/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "layer/upper.h"
#include "rofs/changes/asked-paths.h"
#include "system/load.h"

/* What the commands do that work on the changes of all overlays: diff, commit and revert. */

/** struct changes_visitor - the callbacks of changes_walk() */
struct changes_visitor {
	/*
	 * @o:     the overlay that the entry is in
	 * @asked: it is at or below one of the paths; else it is a directory that leads to one
	 *
	 * Returns 0 to go on, or -errno, which ends the walk.
	 */
	int (*entry)(void *data, const struct plan_overlay *o, const struct upper_entry *e,
		     bool asked);
	void *data;
	bool unchanged; /* directories in which nothing differs are entries as well: CHANGE_NONE */
	/*
	 * An asked path in a directory that is deleted or replaced as a whole is not found; and files are
	 * compared whole, however large: what is the same is not to be written again.
	 */
	bool exact;
	/* Unless exact: is the content of this large file to be compared whole? May be NULL. */
	bool (*compares)(void *data, const char *path);
};

/** struct changes - one run */
struct changes {
	struct loaded loaded;
	struct asked_paths paths;
	struct upper_layer *layers;	    /* one for each overlay; path NULL: it is not mounted */
	const struct plan_overlay *overlay; /* the one that is being walked */
	size_t next;			    /* overlay to be walked; in the order of paths */
	bool wrong;			    /* something could not be read; reported */
	const struct changes_visitor *visitor;
};

#define CHANGES_INIT                  \
	{                             \
		.loaded = LOADED_INIT \
	}

/**
 * changes_load - load the plan, and open the layers of all overlays
 * @c:    CHANGES_INIT; changes_done() frees it, also after a failure. Must not be moved.
 * @verb: for messages
 *
 * What is wrong is reported on stderr.
 *
 * Returns: -1 to go on, else the exit status.
 */
int changes_load(struct changes *c, const char *verb);
void changes_done(struct changes *c);

/** changes_problem - report that something about this path is wrong. @what: why */
void changes_problem(struct changes *c, const char *path, const char *what);

/**
 * changes_walk - visit what has changed at or below the paths, in all overlays
 *
 * In the order of paths, as upper_walk() does. An overlay that is asked for and is not mounted is
 * reported.
 *
 * Returns: 0, -ENOMEM, or what the visitor returned.
 */
int changes_walk(struct changes *c, const struct changes_visitor *v);

#define _cleanup_changes_ _cleanup_(changes_done)
