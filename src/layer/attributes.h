/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * attributes_copy - give a file the mode, owner, times, ACLs and extended attributes of another
 * @from_fd, @to_fd: of any type, opened with O_PATH or otherwise; symbolic links themselves
 *
 * All attributes are copied as they are (ACLs and security labels are extended attributes too),
 * except trusted.overlay.*. user.* that the target file system cannot hold (tmpfs before Linux 6.6)
 * is left out, as overlayfs does itself. Needs /proc.
 *
 * Returns: 0 or -errno.
 */
int attributes_copy(int from_fd, int to_fd);

/**
 * attributes_plain - owner root, no ACLs and this mode: for what has no original
 *
 * Returns: 0 or -errno.
 */
int attributes_plain(int fd, mode_t mode);

/**
 * attributes_is_of_overlay - does overlayfs keep this extended attribute for itself?
 */
bool attributes_is_of_overlay(const char *name);

/** attributes_is_acl - is this the extended attribute of an access or default ACL? */
bool attributes_is_acl(const char *name);
