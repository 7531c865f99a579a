/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

/* The files with several names that a walk has met, so that it takes each for one. */

/** struct inode - one of them */
struct inode {
	dev_t dev;
	ino_t ino;
	unsigned id;   /* its number among those met, from 0 */
	nlink_t names; /* that the caller has not met yet; inodes_find() sets it once */
};

/** struct inodes - all of them. All-zero is empty. */
struct inodes {
	void *tree; /* of tsearch(3) */
	unsigned n;
};

void inodes_done(struct inodes *all);

/**
 * inodes_find - the file that has this stat
 * @ret: owned by @all; valid until inodes_done()
 *
 * Returns: 1 when it is met for the first time, 0 when it is known, or -ENOMEM.
 */
int inodes_find(struct inodes *all, const struct stat *st, struct inode **ret);
