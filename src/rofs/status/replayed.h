/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * replayed - has the kernel replayed the journal of a file system, according to its log?
 * @root_fd: root of the system whose dev/kmsg is read
 * @device:  "/dev/sda1"; NULL is fine
 *
 * ext4 and btrfs do so even if they are mounted read-only. false: no, or nobody knows: not everybody may read the
 * log, and its oldest lines are lost in time.
 */
bool replayed(int root_fd, const char *device);
