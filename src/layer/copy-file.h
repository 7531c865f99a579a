/* SPDX-License-Identifier: MIT */
#pragma once

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
