/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who has a file without a name keeps the file system from becoming read-only: what of the old files is in use? */

/** struct held - directories and special files in a kept.N that a process stands in, has open, or has as its root */
struct held {
	struct held_file {
		dev_t dev;
		ino_t ino;
	} * files; /* sorted */
	size_t n;
	bool is_known;
};

/**
 * held_read - those of all processes
 *
 * No path is looked up that has no kept.N in it: that might wait for a server that is gone.
 *
 * Returns: 0 or -ENOMEM. Where processes cannot be looked at, everything counts as held.
 */
int held_read(struct held *ret);
void held_done(struct held *h);

/** held_is_file_in_use - has anybody else this regular file open, maps it or runs it? True where that cannot be told. */
bool held_is_file_in_use(int dir_fd, const char *name);

/** held_is_in_use - the same of whatever @name is, and of all below it. For both, SIGIO is to be ignored. */
bool held_is_in_use(const struct held *h, int dir_fd, const char *name);
