/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

/*
 * Directories, for all files of rofs-prepare. Paths are given as in the plan and opened below @root_fd.
 */

/** make_path - open a directory below @root_fd, making what is missing. Returns: fd or -errno. */
int make_path(int root_fd, const char *path);

/**
 * open_dir_at - open a directory below @root_fd without following a link at its end. @path:
 * absolute. Returns: fd or -errno.
 */
int open_dir_at(int root_fd, const char *path);

/**
 * make_dir_at - make a directory with mode 0700 below @dir_fd if it is not there, and open it.
 * Returns: fd or -errno.
 */
int make_dir_at(int dir_fd, const char *name);

/** write_file - make a file with exactly @mode, or replace what it holds. Returns: 0 or -errno. */
int write_file(int dir_fd, const char *name, mode_t mode, const char *text);
