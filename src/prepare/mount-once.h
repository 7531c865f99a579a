/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The mounts of systemd's units, made here with the same options. If something is mounted on a mount
 * point already, it is left alone.
 */

/**
 * mount_once - mount on a path, unless something is mounted there
 * @type:    of the file system; NULL: a bind
 * @options: as mount(8) takes them: the flags of rofs.conf(5), "private", and the file system's own
 *
 * Returns: 0, or -errno with nothing mounted.
 */
int mount_once(const char *what, const char *where, const char *type, const char *options);

/** mount_or_leave - as mount_once(); a failure is logged and left to the mount unit of the path */
int mount_or_leave(const char *what, const char *where, const char *type, const char *options);

/**
 * mount_leave_to_unit - log a failure @err (-errno) that the mount unit of @where may make good
 *
 * Returns: @err.
 */
int mount_leave_to_unit(const char *where, int err);

/**
 * make_mount_point - make /rofs, or with mode 0700 a directory in that pool and those above it
 *
 * Returns: 0, or -errno after logging it.
 */
int make_mount_point(const char *path);
