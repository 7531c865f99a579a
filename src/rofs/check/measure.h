/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct amount - how much data is in a directory */
struct amount {
	const char *suffix; /* of the names of the files that count; NULL: all */
	uint64_t bytes;	    /* of these files */
	size_t entries;	    /* of any kind */
	bool incomplete; /* there may be more: this user may not read all of it, or it is very much */
};

/**
 * measure - add up what is below a directory, on its file system
 * @fd: the directory, which is closed; -errno: it could not be opened
 *
 * Returns: 0 or -ENOMEM.
 */
int measure(struct amount *x, int fd);
