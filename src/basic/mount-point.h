/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * mount_point_look - is something mounted on this path?
 * @dir_fd: where @path begins, also if it has a leading slash; AT_FDCWD: an absolute path as it is
 * @path:   no link at its end is followed, no automount is triggered
 *
 * Before Linux 5.8 the kernel does not say (STATX_ATTR_MOUNT_ROOT); then a path counts as a mount
 * point if it is on another device than its parent, as all mounts of ours are.
 *
 * Returns: 1, 0, or -errno if the path cannot be looked up.
 */
int mount_point_look(int dir_fd, const char *path);

/** mount_point_exists - as mount_point_look(); where there is nothing of that name, none is */
int mount_point_exists(int dir_fd, const char *path);

/** mount_point_at - as mount_point_look(); a path that cannot be looked up is none */
bool mount_point_at(int dir_fd, const char *path);
