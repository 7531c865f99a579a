/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Whole files and directories, where the calls of the kernel do a part only. Everything is relative
 * to a descriptor, no link at the end of a path is followed, and every descriptor is close-on-exec.
 */

/** write_all - write all @n bytes, as write(2) may not. Returns: 0 or -errno. */
int write_all(int fd, const void *data, size_t n);

/**
 * write_file - make a file that holds @text, or replace what it holds
 * @mode: exactly this one, whatever the umask
 *
 * A reader may see a part of it: rename(2) a finished one where that matters.
 *
 * Returns: 0 or -errno.
 */
int write_file(int dir_fd, const char *name, mode_t mode, const char *text);

/** write_bytes - as write_file(), with @n bytes of any kind. Returns: 0 or -errno. */
int write_bytes(int dir_fd, const char *name, mode_t mode, const void *data, size_t n);

/** make_dir - make a directory unless it exists. Returns: 0 or -errno. */
int make_dir(int dir_fd, const char *name, mode_t mode);

/**
 * open_dir_at - open a directory to read it
 * @path: slashes at its beginning do not count; "", "/" and "." are @dir_fd itself
 *
 * Returns: a descriptor that the caller closes, or -errno.
 */
int open_dir_at(int dir_fd, const char *path);

/** make_dir_at - open a directory, as open_dir_at(), and make it first if it does not exist */
int make_dir_at(int dir_fd, const char *name, mode_t mode);

/**
 * make_path - open a directory, and make it and those above it if they do not exist
 * @path: as for open_dir_at(); no component of it may be a link
 * @mode: of each that is made
 *
 * Returns: a descriptor that the caller closes, or -errno.
 */
int make_path(int dir_fd, const char *path, mode_t mode);

/** only_root_writes - is root the owner, and may nobody else write? An ACL counts: it shows in the group's bits. */
static inline bool only_root_writes(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/** struct fd_name - a path that leads to what a descriptor is of */
struct fd_name {
	char path[32];
};

/**
 * fd_name - a name for calls that take none of a descriptor, or fail with one of O_PATH
 *
 * Symbolic links and devices have no other descriptor. By this name the kernel finds exactly that
 * file, and does not follow it if it is a link.
 */
struct fd_name fd_name(int fd);

/**
 * each_name - call @each for every name in a directory but . and .., in no order
 * @fd:   of the directory, from open_dir_at() or the like; it is closed. -errno is returned as it is.
 * @each: returns 0 or -errno, which ends the reading
 *
 * Returns: 0 or -errno, also after some names where the medium has an error.
 */
int each_name(int fd, int (*each)(void *data, const char *name), void *data);
