/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "transaction/target.h"

/*
 * Mounts without the flag ro, which only the calling process and those that it forks see: they are in
 * a mount namespace of its own.
 */

/** struct private_mounts - the way back to the mount namespace of before; all-zero: there is none */
struct private_mounts {
	bool entered;
	int namespace_fd, root_fd, cwd_fd;
};

/**
 * private_mounts_begin - enter a mount namespace that gets unmounts from the system but passes nothing on
 * @ret_why: why that is not allowed, as a sentence, with -EPERM; the caller frees it
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int private_mounts_begin(struct private_mounts *ret, char **ret_why);

/**
 * private_mounts_end - go back; the mounts are gone with the last process that is in that namespace
 *
 * Descriptors of before are of mounts that the process can see again.
 */
void private_mounts_end(struct private_mounts *p);

/**
 * private_mounts_add - bind a file system where nobody else sees it, and let that mount be writable
 * @root_fd:  root of the running system
 * @number:   of the mount, from 0
 * @ret_path: its mount point; the caller frees it
 *
 * nosuid, nodev and noexec of the mount stay. Access times are not written.
 *
 * Returns: a descriptor of its root, -ESTALE if something else is mounted there by now, or -errno.
 */
int private_mounts_add(int root_fd, const struct target *t, size_t number, char **ret_path);

/**
 * mount_make_ro - set the flag ro of one mount, in the mount namespace of the caller, and keep its other flags
 * @fd:   of its root
 * @path: its mount point
 *
 * Returns: 0 or -errno.
 */
int mount_make_ro(int fd, const char *path);
