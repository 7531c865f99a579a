/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * own_dir_open - open a directory for output, which nobody but the caller and root can have prepared
 * @path:    as a person gives it; made if it does not exist, but not what is above it
 * @ret_why: why it is refused, as "is not empty"; NULL: something failed
 *
 * New or empty, owned by the caller, writable by nobody else. The last component is not followed if it
 * is a symbolic link. One before it is followed only if the link and its directory are owned by root or
 * the caller, and nobody else may write to the directory: whoever may, could move a link of root's
 * there.
 *
 * Returns: a descriptor that the caller closes, or -errno.
 */
int own_dir_open(const char *path, const char **ret_why);

/* The message for @path and @ret_why. */
#define OWN_DIR_REFUSED "%s %s; expected a new or empty directory of your own"
