/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "layer/failure.h"

/**
 * attributes_copy - copy mode, owner, times, ACLs and extended attributes from one file to another
 * @from_fd, @to_fd: of any type, opened with O_PATH or otherwise; symbolic links themselves
 * @f:              set on failure, unless it lacks memory
 *
 * Extended attributes include ACLs and security labels. Those of overlayfs are not copied, nor those
 * of users (user.*) where the target file system does not support them (tmpfs before Linux 6.6),
 * which is what overlayfs does. Needs /proc.
 *
 * Returns: 0 or -errno.
 */
int attributes_copy(int from_fd, int to_fd, struct failure *f);

/**
 * attributes_plain - set owner root, no ACLs and this mode: for a file without an original
 * @f: set on failure
 *
 * Returns: 0 or -errno.
 */
int attributes_plain(int fd, mode_t mode, struct failure *f);

/**
 * attributes_is_of_overlay - does overlayfs keep this extended attribute for itself?
 *
 * Or xfs, whose own form of an ACL overlayfs copies up, where it means nothing.
 */
bool attributes_is_of_overlay(const char *name);

/** attributes_is_acl - is this the extended attribute of an access or default ACL? */
bool attributes_is_acl(const char *name);
