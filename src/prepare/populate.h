/* SPDX-License-Identifier: MIT */
#pragma once

#include "prepare/wanted.h"

/**
 * populate_check - is there something that Populate=yes copies?
 *
 * Returns: 1, or 0 without Populate=yes or without a lower path; -EISDIR or -ENOTDIR if the lower
 * path is of another kind than the persist; -ENOENT after logging that fstab's file system, from
 * which it would be copied, is not mounted; or another -errno.
 */
int populate_check(const struct wanted *w);

/**
 * populate_copy - copy the lower path to NEW_NAME, down to the medium
 * @new_fd: the directory for it, empty; other names may be left in it
 *
 * Checks first whether it fits, and logs its size and the time that it took.
 *
 * Returns: 0 or -errno, after logging the causes that strerror(3) does not explain.
 */
int populate_copy(const struct wanted *w, int new_fd);
