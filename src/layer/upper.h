/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "basic/macro.h"
#include "layer/change.h"
#include "plan/plan.h"

/*
 * Reads the upper layer of an overlay and holds it against the lower one, without walking the
 * lower: only what the upper names is looked up there. Nothing is written, and the overlay stays
 * mounted and in use meanwhile: what goes away while it is read is left out.
 */

/** struct upper_layer - the two directories of one overlay, open */
struct upper_layer {
	const char *path; /* where users see it: /var; borrowed */
	int upper_fd;
	int lower_fd;
};

/**
 * upper_layer_open - open the layers of an overlay that is in force
 * @root_fd: the root of the running system
 * @o:       of @p; borrowed, must outlive @ret
 *
 * Where its partition is missing and IfMissing= has put RAM in its place, they are those in RAM.
 *
 * Returns: 0, -ENOENT when the overlay is not mounted, or another -errno.
 */
int upper_layer_open(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     struct upper_layer *ret);
void upper_layer_done(struct upper_layer *l);

/** struct upper_entry - something in the upper that differs; valid during the call only */
struct upper_entry {
	const char *path; /* as users see it; any bytes but NUL */
	/*
	 * Where it is in the layers, for openat(2); never follow a link. lower_dir is -1 when the
	 * lower does not have the directory.
	 */
	const char *name;
	int upper_dir, lower_dir;
	const struct stat *upper;
	const struct stat *lower; /* NULL: there is none */
	struct change change;	  /* never CHANGE_NONE */
};

/** struct upper_visitor - what is done with what is found */
struct upper_visitor {
	/* Is this path, or anything below it, of interest? NULL: all is. */
	bool (*wants)(void *data, const char *path);
	/* Returns 0 to go on, or -errno, which upper_walk() returns. */
	int (*entry)(void *data, const struct upper_entry *e);
	/* What could not be read (an error of the medium); its reading goes on behind it. */
	void (*problem)(void *data, const char *path, int err);
	void *data;
};

/**
 * upper_walk - call @v->entry for all that differs
 *
 * A directory comes right before what is below it, else in the order of bytes: path_compare(). At
 * any depth a bounded number of descriptors is open.
 *
 * Returns: 0, -ENOMEM, -EMFILE, -ENFILE, or what @v->entry returned.
 */
int upper_walk(const struct upper_layer *l, const struct upper_visitor *v);

#define _cleanup_upper_layer_ _cleanup_(upper_layer_done)
