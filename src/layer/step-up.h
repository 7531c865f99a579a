/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

/**
 * step_up - replace an open directory by the one above it
 * @fd:       closed and set on success
 * @dev, @ino: of the directory that the way down came from
 *
 * Returns: 0, -ESTALE (somebody has moved the directory), or another -errno.
 */
int step_up(int *fd, dev_t dev, ino_t ino);
