/* SPDX-License-Identifier: MIT */
#pragma once

/* Below the root of the running system. Only root can open the lock, so that nobody else can take it. */
#define LOCK_DIR  "run/rofs"
#define LOCK_FILE "transaction.lock"

/**
 * lock_take - take the lock of transactions
 * @root_fd: root of the running system
 * @ret_why: who has it, as a sentence, with -EPERM; the caller frees it
 *
 * It is of the open file: a process that is forked has it, too, until the last one closes it.
 *
 * Returns: a descriptor that the caller closes, -EPERM with @ret_why, or another -errno.
 */
int lock_take(int root_fd, char **ret_why);

/** lock_hold - as lock_take(), but for what is no transaction: it leaves no name in the file */
int lock_hold(int root_fd, char **ret_why);

/** lock_is_taken - has a process the lock? Returns: 1, 0, or -errno (-EACCES: only root can find out). */
int lock_is_taken(int root_fd);
