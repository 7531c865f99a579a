/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "layer/failure.h"

/* Whole trees, each of them by a walk; layer/walk.h. What is named may be a single file as well. */

/** struct copy_size - what a copy takes at least, in whole blocks of the target */
struct copy_size {
	uint64_t bytes;
	uint64_t inodes;
};

/**
 * copy_tree_measure - how much room a copy of a file or tree needs
 * @dir_fd, @name: what is to be copied
 * @block:         bytes of one block of the target file system
 *
 * A lower bound: what a file system needs to find its blocks again is not in it.
 *
 * Returns: 0 or -errno.
 */
int copy_tree_measure(int dir_fd, const char *name, uint64_t block, struct copy_size *ret);

/**
 * copy_tree - copy a file, or a directory with all that is below it
 * @from_fd, @from: what is copied; a directory must not change meanwhile
 * @to_fd, @to:     the copy, which must not exist
 * @links_fd:       an empty directory on the target file system that nothing else uses; hard links
 *                  are made through it, and names may be left in it
 * @ret:            on failure the call that has failed; all-zero when that is not known
 * @ret_where:      on failure the path below @from of the file that it is about, fit for a message;
 *                  NULL when that is not known; the caller frees it
 *
 * All that copy_file() copies, and hard links within the tree. Sockets are left out: only the
 * program that listens can make them. What is half copied stays; nothing is synced.
 *
 * Returns: 0 or -errno.
 */
int copy_tree(int from_fd, const char *from, int to_fd, const char *to, int links_fd,
	      struct failure *ret, char **ret_where);

/**
 * copy_tree_remove - remove a file, or a directory with all that is below it
 *
 * Returns: 0, also when it does not exist, or -errno.
 */
int copy_tree_remove(int dir_fd, const char *name);
