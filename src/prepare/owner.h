/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "prepare/wanted.h"

/*
 * Mode=, User= and Group= of a persist.
 */

/**
 * owner_check - can the file system of the partition store what the persist declares?
 *
 * Returns: 0, or -EOPNOTSUPP after logging it.
 */
int owner_check(const struct wanted *w);

/**
 * owner_set - give a new directory or file its mode, owner and extended attributes
 * @fd: open for reading
 *
 * What is not declared is copied from the lower path; without one it is root's, with mode 0755 or
 * 0644. On a file system that stores no owners nothing is done.
 *
 * Returns: 0, or -errno after logging it.
 */
int owner_set(const struct wanted *w, int fd);

/** owner_is_stored - does the file system of @fd store owners and modes? */
bool owner_is_stored(int fd);

/**
 * owner_find_user - the ID of a user of the system, by name or number
 * @ret: set on success; UINT_MAX, with which fchown(2) changes nothing, if @name is NULL
 *
 * Returns: 0; or -errno after logging that there is no such user.
 */
int owner_find_user(int root_fd, const char *name, uid_t *ret);
