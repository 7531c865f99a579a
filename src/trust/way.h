/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "plan/plan.h"

/*
 * The directories from the root of a partition down to what is declared on it. The medium may come
 * from anywhere, and whoever can write to one of them could put something else at its end.
 *
 * rofs-prepare walks them at boot, and rofs check looks at them beforehand. Nothing is logged here.
 */

/** struct way - where it begins and ends, and who may have made it. All-zero: none. */
struct way {
	int root_fd;	   /* root directory of the system */
	const char *where; /* of the partition: /rofs/persist/data; borrowed */
	const char *
		user; /* its directories may belong to this User= too; NULL: to root only; borrowed */
	char *path;   /* below the root of the partition */
	char *subject; /* "[Persist /srv/app]", for messages */
	/*
	 * What is refused, in a line for the user, by the last call that has failed. NULL: strerror(3)
	 * says enough.
	 */
	char *refusal;
};

#define _cleanup_way_ _cleanup_(way_done)

/**
 * way_to_persist - the way to the directory that holds the Directory= of a persist
 * @ret: way_done() frees what is in it, also on failure
 *
 * Returns: 0 or -ENOMEM.
 */
int way_to_persist(int root_fd, const struct plan *plan, const struct plan_persist *p,
		   struct way *ret);

/** way_to_layers - as way_to_persist(), to the directory of upper and work of @o on a partition */
int way_to_layers(int root_fd, const struct plan *plan, const struct plan_overlay *o,
		  struct way *ret);
void way_done(struct way *w);

/**
 * way_open - walk, and make the directories that are missing
 * @mode: of the last one if it is made; those above it get 0755, and all of them owner root
 *
 * No link and no other mount is crossed. A directory that group or others may write to, or that has
 * another owner, is refused, the root of the partition and the last one included. Therefore the path
 * can be used by name as well afterwards, as systemd and overlayfs do when they mount from it:
 * nobody but root can change a component of it, not even between this check and the mount.
 *
 * Returns: a descriptor of the last directory, that the caller closes, or -errno.
 */
int way_open(struct way *w, mode_t mode);

/** way_look - as way_open(), but nothing is made: -ENOENT if a directory is missing */
int way_look(struct way *w);

/**
 * way_check - may this directory be on the way?
 * @fd:   opened for reading
 * @name: its path, for the refusal
 *
 * Returns: 0 or -errno.
 */
int way_check(struct way *w, int fd, const char *name);

/** way_refuse - set the refusal: the subject and a sentence. Returns: @err (-errno). */
int way_refuse(struct way *w, int err, const char *format, ...) _printf_(3, 4);

/** way_has_owners - does the file system of @fd store owners and modes? */
bool way_has_owners(int fd);
