/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "layer/failure.h"

/**
 * copy_file - copy what is no directory
 * @from_dir, @from: what is copied; itself, if it is a symbolic link
 * @to_dir, @to:     the copy, which must not exist
 * @st:              what fstatat(2) says of the original
 * @f:               set on failure if a call has failed
 *
 * Content with its holes, the target of a link, the number of a device, and all of
 * attributes_copy(). What is half copied stays; nothing is synced. Needs /proc.
 *
 * Returns: 0 or -errno (-ESTALE, -EIO: it was changed meanwhile).
 */
int copy_file(int from_dir, const char *from, int to_dir, const char *to, const struct stat *st,
	      struct failure *f);

/** struct copy_watch - callbacks while a regular file is copied; each may be NULL, returns 0 or -errno */
struct copy_watch {
	int (*opened)(void *data, int fd,
		      const struct stat *st);	   /* the original is open for reading */
	int (*copied)(void *data, uint64_t bytes); /* so many more bytes of content */
	int (*leased)(void *data); /* another program holds a lease: is it tried again? */
	void *data;
};

/**
 * copy_file_watched - as copy_file(), to a directory that only root can reach
 *
 * An error of a callback ends the copy, and is returned. If a file becomes shorter
 * meanwhile, the copy ends there.
 */
int copy_file_watched(int from_dir, const char *from, int to_dir, const char *to,
		      const struct stat *st, const struct copy_watch *watch, struct failure *f);
