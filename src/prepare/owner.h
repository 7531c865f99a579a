/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "prepare/wanted.h"

/*
 * Mode=, User= and Group= of a persist.
 */

/**
 * owner_check - can the file system of the partition store what the persist declares?
 *
 * Returns: 0, or TOLD.
 */
int owner_check(const struct wanted *w);

/**
 * owner_set - give a new directory or file its mode, owner and extended attributes
 * @fd:     open for reading
 * @copied: it has what is not declared already, of the very file that its content is from
 *
 * Otherwise that is copied from the lower path; without one it is root's, with mode 0755 or 0644.
 * On a file system that stores no owners nothing is done.
 *
 * Returns: 0, or TOLD.
 */
int owner_set(const struct wanted *w, int fd, bool copied);

/**
 * owner_compare - warn if an existing directory or file has another mode or owner than declared
 *
 * It may have been made as a parent in an earlier boot, or on another machine.
 */
void owner_compare(const struct wanted *w, const struct stat *st);
