/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/** enum account - what has an ID in a file of /etc */
enum account {
	ACCOUNT_USER,  /* /etc/passwd */
	ACCOUNT_GROUP, /* /etc/group */
};

/**
 * account_find - the ID of a user or group, from /etc/passwd or /etc/group of the untouched root
 * @root_fd: root directory of the system
 * @name:    a number, which is the ID; or letters and digits, as conf has checked it
 * @ret:     set on success
 * @ret_why: the reason of a failure, for a message; NULL if there is no memory for it; the caller
 *           frees it
 *
 * The files are read directly. NSS could ask the network, or a service that has not started, and wait
 * for it. They are those of the root file system, not of an overlay: an ID that is given to files on
 * a partition must be the same in each boot.
 *
 * Returns: 0, -ENOENT: there is no such name, -EINVAL: its ID is not a number that fits, or another
 * -errno.
 */
int account_find(int root_fd, enum account kind, const char *name, uint32_t *ret, char **ret_why);
