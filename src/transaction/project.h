/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Projects, by which quota counts what is below some directories: chattr(1), +P and -p. What is made in such a directory
 * belongs to its project. The kernel lets nothing be renamed into it that does not, with EXDEV.
 */

/** project_of - the project that a directory gives to what is made in it. Returns: 1, 0 (it gives none) or -errno. */
int project_of(int dir_fd, uint32_t *ret);

/**
 * project_set - put what @name is into a project, with all that is below it
 *
 * Symbolic links and special files below it stay in that of the directory in which they were made.
 *
 * Returns: 0 or -errno.
 */
int project_set(int dir_fd, const char *name, uint32_t project);

/**
 * project_remake - make a symbolic link or a special file anew, in the project: it cannot be put into another one
 * @spare_fd: a directory in which it can be made
 *
 * Returns: 0 or -errno.
 */
int project_remake(int dir_fd, const char *name, int spare_fd, uint32_t project);
