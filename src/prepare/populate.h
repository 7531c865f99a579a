/* SPDX-License-Identifier: MIT */
#pragma once

#include "prepare/wanted.h"

/**
 * populate_check - is there something that Populate=yes copies?
 *
 * Returns: 1, or 0 without Populate=yes or without a lower path; -EISDIR or -ENOTDIR if the lower
 * path is of another kind than the persist; TOLD if fstab's file system, from which it would be
 * copied, is not mounted; or another -errno.
 */
int populate_check(const struct wanted *w);

/**
 * populate_copy - copy the lower path to NEW_NAME, down to the medium
 * @new_fd: the directory for it, empty; other names may be left in it
 *
 * Checks first whether it fits, and logs its size and the time that it took.
 *
 * Returns: 0; TOLD where strerror(3) would not explain it; or -errno.
 */
int populate_copy(const struct wanted *w, int new_fd);
