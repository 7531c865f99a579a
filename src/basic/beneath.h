/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One walk by descriptors: from a directory down to a path beneath it, through no symbolic link.
 * Whoever can write to a directory on the way could plant one, and would have root act elsewhere.
 * Paths are clean, and begin at the directory whether or not they have a leading slash.
 */

/**
 * open_beneath - open what a path leads to, of any length
 * @flags: of open(2), without O_CREAT; O_CLOEXEC is added
 *
 * Returns: a descriptor that the caller closes and that is never one of a link; -ELOOP if a component
 * is a link; or another -errno.
 */
int open_beneath(int dir_fd, const char *path, int flags);

/**
 * open_parent_beneath - open the directory that holds the last component of a path
 * @ret_name: that component, a part of @path; set on success
 *
 * Returns: a descriptor (O_PATH) that the caller closes, or as open_beneath().
 */
int open_parent_beneath(int dir_fd, const char *path, const char **ret_name);

/**
 * beneath_find_link - find the first component of a path that is a link
 * @ret: the path as far as the link; set if there is one; the caller frees it
 *
 * Returns: 1, 0 if there is none, or -ENOMEM.
 */
int beneath_find_link(int dir_fd, const char *path, char **ret);
