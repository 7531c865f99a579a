/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "basic/macro.h"
#include "basic/path-node.h"
#include "layer/change.h"
#include "plan/plan.h"

/*
 * Reads the upper layer of an overlay and compares it with the lower layer, without walking the
 * lower: only what the upper names is looked up there. Nothing is written. The overlay stays mounted
 * and in use meanwhile: what is deleted while it is read is left out, what is renamed or moved is not.
 */

/** struct upper_layer - the open layers of one overlay */
struct upper_layer {
	const char *path; /* of the overlay, as users see it: /var; borrowed */
	int upper_fd;
	int lower_fd;
};

/**
 * upper_layer_open - open the layers of a mounted overlay
 * @root_fd: the root of the running system
 * @o:       of @p; borrowed, must outlive @ret
 *
 * If its partition is missing and IfMissing=volatile is in effect, these are the layers in RAM.
 *
 * Returns: 0, -ENOENT when the overlay is not mounted, or another -errno.
 */
int upper_layer_open(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     struct upper_layer *ret);
void upper_layer_done(struct upper_layer *l);

/** struct upper_entry - an entry of the upper layer that differs; valid during the call only */
struct upper_entry {
	const char *path;	/* as users see it; any bytes but NUL, of any length */
	struct path_node *node; /* the same; for who keeps it beyond the call */
	/*
	 * Its place in the layers, for openat(2); never follow a link. lower_dir is -1 when the
	 * directory does not exist in the lower layer; both are -1 for some that could not be read.
	 */
	const char *name;
	int upper_dir, lower_dir;
	const struct stat *upper; /* zeros but for st_nlink when it could not be read */
	const struct stat *lower; /* NULL: it does not exist there */
	struct change change;	  /* CHANGE_NONE only where the visitor asks for it */
};

/** struct upper_visitor - the callbacks of upper_walk(). wants and compares may be NULL. */
struct upper_visitor {
	/* Is this path, or anything below it, of interest? */
	bool (*wants)(void *data, const char *path);
	/* Returns 0 to go on, or -errno, which upper_walk() returns. */
	int (*entry)(void *data, const struct upper_entry *e);
	/* Is the content of this large file to be compared whole? NULL: never. */
	bool (*compares)(void *data, const char *path);
	void *data;
	bool unchanged; /* directories in which nothing differs are entries as well: CHANGE_NONE */
};

/**
 * upper_walk - call @v->entry for each entry that differs
 *
 * In the order of path_compare(): a directory comes right before what is below it. What cannot be read
 * is an entry as well (CHANGE_UNKNOWN), and the walk goes on, also below it where that is possible.
 *
 * Then all directories are looked at again, in rounds, until there was a moment at which all of them
 * were as they were read: so whatever existed all the time has been an entry, under one of its paths.
 * What is new in a directory comes last. If more comes then than there was, or two or more directories
 * change in each round, these are entries again in the end (CHANGE_UNREAD_DIRECTORY, ESTALE).
 *
 * Takes time linear in the number of entries, at any depth; memory for all names in the upper layer; a
 * bounded number of descriptors.
 *
 * Returns: 0, -ENOMEM, or what @v->entry returned.
 */
int upper_walk(const struct upper_layer *l, const struct upper_visitor *v);

#define _cleanup_upper_layer_ _cleanup_(upper_layer_done)
