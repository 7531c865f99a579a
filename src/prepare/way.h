/* SPDX-License-Identifier: MIT */
#pragma once

#include "conf/conf.h"

/*
 * The directories from the root of a partition down to what is declared on it. The medium may come
 * from anywhere, and whoever can write to one of them could put something else at its end.
 */

/** struct way - where it begins, and who may have made it; all borrowed */
struct way {
	const char *subject; /* "[Persist /srv/app]", for messages */
	int root_fd;	     /* root directory of the system */
	const char *where;   /* of the partition: /rofs/persist/data */
	const char *user;    /* its directories may belong to this User= too; NULL: to root only */
};

/**
 * way_open - open a directory on a partition, and make it and those above it where they are missing
 * @path: below the root of the partition
 * @mode: of the last one if it is made; those above it get 0755, and all of them owner root
 *
 * No link and no other mount is crossed. A directory that group or others may write to, or that has
 * another owner, is refused, the root of the partition and the last one included. Therefore the path
 * can be used by name as well afterwards, as systemd and overlayfs do when they mount from it:
 * nobody but root can change a component of it, not even between this check and the mount.
 *
 * Returns: a descriptor that the caller closes; TOLD where strerror(3) would not explain it; or -errno.
 */
int way_open(const struct way *w, const char *path, mode_t mode);

/**
 * way_check - may this directory be on the way?
 * @fd:   opened for reading
 * @name: its path, for the message
 *
 * Returns: 0; TOLD if not; or -errno.
 */
int way_check(const struct way *w, int fd, const char *name);
