/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"
#include "transaction/superblock.h"

/** struct target - a file system that a window is to open, as the system has it mounted */
struct target {
	char *where;
	int fd; /* O_PATH, its root, in the mount namespace of the system */
	dev_t dev;
	ino_t ino;
	struct superblock found;
};

/**
 * target_open - find it, and find out whether it can be written
 * @root_fd: root of the running system
 * @dir:     the directory of transactions on it: "rofs" or ".rofs"
 * @ret_why: why it cannot, as a sentence; the caller frees it
 * @ret:     set on success; target_done()
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int target_open(int root_fd, const char *where, const char *dir, struct target *ret,
		char **ret_why);
void target_done(struct target *t);

#define _cleanup_target_ _cleanup_(target_done)
