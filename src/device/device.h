/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * device_make_read_only - for Device=read-only in [Root]: the block device of /, and what it is on
 *
 * What something else needs stays writable. What was decided is kept in /run; see verdict/root-devices.h.
 *
 * Returns: 0 or, after logging it, -errno.
 */
int device_make_read_only(const struct loaded *l);

/**
 * device_make_writable - undo that: a soft reboot has led to a maintenance boot
 *
 * Returns: 0 (also if there is nothing to undo) or, after logging it, -errno.
 */
int device_make_writable(int root_fd);
