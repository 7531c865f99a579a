/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "transaction/target.h"

/*
 * The guard of a window: a process in a session of its own that outlives whatever happens to the one
 * that works, and then makes the file systems read-only again. It holds the lock until it has.
 */

/** struct guard - as the working process has it; all-zero: none */
struct guard {
	pid_t pid;
	int fd; /* of a socket; the guard acts when it is closed */
};

/**
 * guard_start - start it
 * @root_fd: root of the running system
 * @lock_fd: from lock_take()
 * @targets: what it makes read-only again, of those that were found read-only
 *
 * It stays in the mount namespace of the caller, and has no other descriptor than these.
 *
 * Returns: 0 or -errno.
 */
int guard_start(int root_fd, int lock_fd, const struct target *targets, size_t n,
		struct guard *ret);

/** guard_dismiss - all is restored: end it and wait until it has ended */
void guard_dismiss(struct guard *g);

/** guard_leave - let it do what has to be done, in the background */
void guard_leave(struct guard *g);
