/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Whole trees: measured, copied, removed. The work is done relative to descriptors and follows no
 * symbolic link. However deep a tree is, a handful of descriptors is open at a time.
 */

/** struct copy_size - what a copy takes at least, in whole blocks of the target */
struct copy_size {
	uint64_t bytes;
	uint64_t inodes;
};

/**
 * copy_measure - how much room a copy of a file or tree needs
 * @dir_fd, @name: what is to be copied
 * @block:         bytes of one block of the target file system
 *
 * A lower bound: what a file system needs to find its blocks again is not in it.
 *
 * Returns: 0 or -errno.
 */
int copy_measure(int dir_fd, const char *name, uint64_t block, struct copy_size *ret);

/**
 * copy_all - copy a file, or a directory with all that is below it
 * @from_fd, @from: what is copied; a directory must not change meanwhile
 * @to_fd, @to:     the copy, which must not exist
 * @links_fd:       an empty directory on the target file system that nothing else uses; it is for
 *                  hard links, and there may be names left in it
 * @ret_where:      on failure the file below @from that it was about, in words that fit a message,
 *                  or NULL; the caller frees it
 *
 * Content with its holes, mode, owner, times, ACLs, extended attributes as in attributes_copy(),
 * hard links within the tree, symbolic links, device nodes and FIFOs. Sockets are left out: only
 * the program that listens can make them. What is half copied stays; nothing is synced.
 *
 * Returns: 0 or -errno.
 */
int copy_all(int from_fd, const char *from, int to_fd, const char *to, int links_fd,
	     char **ret_where);

/**
 * copy_remove - remove a file, or a directory with all that is below it
 *
 * Returns: 0, also when there is none, or -errno.
 */
int copy_remove(int dir_fd, const char *name);
