/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "basic/macro.h"

/*
 * A way down into a tree, directory by directory as the caller says, and beside it into a copy of it. By
 * descriptors, without following a link, on one mount. However deep it is, two descriptors are open:
 * the way back is "..", and it is checked that this leads where the way came from.
 */

struct descent_frame;

/** struct descent - where it is. DESCENT_INIT begins it, descent_done() frees it. */
struct descent {
	int fd;	   /* the directory; -1: none yet */
	int to_fd; /* the one beside it; -1: there is none */
	struct descent_frame *frames;
	size_t n; /* directories on the way, with this one */
};

#define DESCENT_INIT                  \
	{                             \
		.fd = -1, .to_fd = -1 \
	}

void descent_done(struct descent *d);

/**
 * descent_enter - go into a directory
 * @fd:    the first one, owned from here on; else -1 for @name in the current one
 * @to_fd: the one beside it, owned from here on, or -1
 *
 * Returns: 0, -EXDEV when something is mounted there, or another -errno; then the descent is where it was.
 */
int descent_enter(struct descent *d, int fd, const char *name, int to_fd);

/** descent_leave - go back; from the first directory to none. Returns: 0 or -errno (-ESTALE: moved meanwhile). */
int descent_leave(struct descent *d);

/**
 * descent_return - go back to a directory from which the current one was moved away
 * @fd: the one above, opened anew; owned from here on. -1: it is not found
 *
 * Returns: 1; 0: it is lost, or @fd is another one: until the next descent_return(), the way ends in none;
 * or -errno of the way back in the tree beside.
 */
int descent_return(struct descent *d, int fd);

#define _cleanup_descent_ _cleanup_(descent_done)
