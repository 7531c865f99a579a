/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "transaction/target.h"

/**
 * restore_once - make read-only what was found read-only and is writable now, then the devices of
 *		  Device=read-only
 * @root_fd: root of the running system, for /proc
 *
 * Deleted files stay in the caches, where overlays have looked them up, and keep a file system
 * writable. If it is busy, this drops the caches and tries once more.
 *
 * Returns: 0, -EBUSY, or another -errno; the others are made read-only nevertheless.
 */
int restore_once(int root_fd, const struct target *targets, size_t n);
