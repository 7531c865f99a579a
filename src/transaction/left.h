/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transaction/target.h"

/*
 * A file in /run that says what a window has made writable, for the case that its process and its guard
 * are killed together, as systemd does with what is left of a service. It exists while a window is
 * open. If it exists and nobody has the lock, what it lists was left writable.
 *
 * Everybody may read it: by it, ordinary users can tell whether a window is open.
 */

/**
 * left_write - list the targets that were found read-only
 * @root_fd: root of the running system
 * @guard:   the other process, besides the calling one, that exists as long as the window is open
 *
 * Returns: 0 or -errno.
 */
int left_write(int root_fd, pid_t guard, const struct target *targets, size_t n);

/** left_remove - all of them are read-only again. Returns: 0 (also: there is none) or -errno. */
int left_remove(int root_fd);

/** left_exists - is there a list, that is: was what a window has changed not all restored? */
bool left_exists(int root_fd);

/** left_is_guarded - does one of the two processes of left_write() exist? Returns: 1, 0 or -errno. */
int left_is_guarded(int root_fd);

/**
 * left_open - the targets that are listed, still mounted, and writable now
 * @ret, @ret_n: with the state in which they were found; left_done() frees them
 *
 * The caller has the lock, or has seen that nobody has it. What is in the file is root's; still, a
 * mount point on which something else is mounted now is left out.
 *
 * Returns: 0 (also: there is no list) or -errno.
 */
int left_open(int root_fd, struct target **ret, size_t *ret_n);
void left_done(struct target *targets, size_t n);
