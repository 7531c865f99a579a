/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * The directories that are made so that something can be mounted, where the lower has none. Others may
 * already be about when the path is seen, and systemd and its tmpfiles.d come later, if at all.
 */

/**
 * mount_point_mode - the mode of a directory that is made
 * @path: absolute and clean
 * @n:    as far as this, it is the directory
 *
 * 0755, as of systemd's own mount points; 0700 for /var/lib/private and the like.
 */
mode_t mount_point_mode(const char *path, size_t n);

/**
 * mount_point_parent - open the directory that holds the last component of a path, and make it and
 * those above it if they do not exist
 * @dir_fd:   what is, or will be, at the beginning of @path
 * @n:        length of that beginning
 * @ret_name: the last component, a part of @path
 *
 * Returns: a descriptor that the caller closes, or -errno. No link is followed.
 */
int mount_point_parent(int dir_fd, const char *path, size_t n, const char **ret_name);
