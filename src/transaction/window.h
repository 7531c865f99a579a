/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The write window: for the time of one transaction, file systems that are kept read-only become
 * writable, through a mount in a mount namespace of the calling process alone. The mounts that
 * everybody sees keep their read-only flag.
 */

/* The untouched root file system, and the directory on it that holds all that transactions leave. */
#define WINDOW_ROOT	 "/rofs/ro"
#define WINDOW_ROOT_DIR	 "rofs"	 /* on the root file system */
#define WINDOW_OTHER_DIR ".rofs" /* on another lower: a file system of its own */

/** struct window - the file systems that are open for writing. Only one process at a time has one. */
struct window;

/**
 * window_check - could these file systems be written? Nothing is changed.
 * @root_fd: root of the running system
 * @where:   mount points of lowers, as struct plan has them, or of other file systems; the first one is
 *           WINDOW_ROOT, or "/" as long as that is not mounted yet
 * @ret_why: why not, as a sentence for the user; the caller frees it
 *
 * Refused are: squashfs, erofs and other file systems that cannot be written; dm-verity; a write-protected
 * device (BLKROGET); a subvolume of btrfs with the property ro; another device than the one that / is
 * on; a mount point that is not mounted; a transaction that was interrupted, unless a window is open; and, if the caller
 * is not root, everything.
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int window_check(int root_fd, const char *const *where, size_t n, char **ret_why);

/**
 * window_open - take the lock, make the file systems writable, and start the guard
 * @where, @n, @ret_why: as for window_check(), with the same refusals, but for what was interrupted
 * @ret:                 window_close() frees it
 *
 * The calling process is in a mount namespace of its own until window_close(), which gets unmounts from the
 * system but passes nothing on. Descriptors of before belong to the other namespace: what they lead to can
 * be read, but not bound, and the kernel has no line for it in /proc/self/mountinfo. The guard is a process in a session of its own that ignores signals.
 * It restores the state that was found when the caller closes the window or dies, however that happens.
 *
 * Returns: 0, -EPERM with @ret_why (also: another transaction is running), or another -errno.
 */
int window_open(int root_fd, const char *const *where, size_t n, struct window **ret,
		char **ret_why);

/** window_fd - the root directory of file system @i, on the mount that can be written; borrowed */
int window_fd(const struct window *w, size_t i);

/**
 * window_path - where that mount is, in the mount namespace of the process and of those that it forks; borrowed
 *
 * For a process that enters another mount namespace, in which the descriptor cannot be bound and cannot be a
 * layer of an overlay.
 */
const char *window_path(const struct window *w, size_t i);

/** window_count - the number of file systems */
size_t window_count(const struct window *w);

/** window_where - as it was given to window_open(); borrowed */
const char *window_where(const struct window *w, size_t i);

/** window_dir - the directory of transactions of file system @i: "rofs" or ".rofs" */
const char *window_dir(const struct window *w, size_t i);

/**
 * window_close - write everything (syncfs), restore the state that was found, end the guard
 * @ret_why: what has failed, as a sentence; NULL on success, or without memory
 *
 * Frees @w in any case. If a file system cannot become read-only (an inode without a name is still in use,
 * or a descriptor is open for writing), cached entries are dropped and it is tried again; after that
 * the guard goes on trying in the background for as long as it takes.
 *
 * Returns: 0; 1 if all is as it was found, but not all may be written; or -errno when a file system may still be
 * writable (-EBUSY: something uses it).
 */
int window_close(struct window *w, char **ret_why);

/**
 * window_superblock_is_rw - is the superblock of what is mounted here writable, whatever the mount says?
 * @path: below @root_fd, e.g. WINDOW_ROOT
 *
 * Returns: 1, 0, or -errno.
 */
int window_superblock_is_rw(int root_fd, const char *path);

/**
 * window_is_open - does a process have a window now? For all users
 *
 * Ordinary users see whether the guard exists; root sees whether the lock is taken.
 *
 * Returns: 1, 0 or -errno.
 */
int window_is_open(int root_fd);

/**
 * window_left_rw - has a window that was killed, together with its guard, left a file system writable?
 *
 * For all users, too. What was writable before the window was opened does not count.
 *
 * Returns: 1, 0 or -errno.
 */
int window_left_rw(int root_fd);

/**
 * window_restore_left - make read-only what window_left_rw() is about; only root can
 *
 * window_open() does the same first. Needs CAP_SYS_ADMIN and /proc, but no mount namespace.
 *
 * Returns: 1 if something was writable and is not any more, 0 if nothing was (also: a window is open),
 * -EBUSY if it is in use, or another -errno.
 */
int window_restore_left(int root_fd);
