/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * The flags of chattr(1), as far as a user sets them and they mean the same on another file system.
 * Those of a merged file are read through the overlay: since Linux 5.15, overlayfs keeps "immutable" and
 * "append only" in an extended attribute, where the upper file itself must stay writable.
 */

/**
 * chattr_read - the flags of an open file or directory
 * @fd: not opened with O_PATH
 *
 * Returns: the flags; 0 where the file system has none, too.
 */
unsigned chattr_read(int fd);

/**
 * chattr_set - give an open file or directory these flags, of those that chattr_read() reads
 *
 * Returns: 0, also where the file system has none, or -errno.
 */
int chattr_set(int fd, unsigned flags);

/**
 * chattr_unlock - clear immutable and append-only, with which a file can neither be replaced nor removed
 * @ret: the flags before, for chattr_set()
 *
 * Returns: 1 when it had one of them, 0, or -errno.
 */
int chattr_unlock(int fd, unsigned *ret);
