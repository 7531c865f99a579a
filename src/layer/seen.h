/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "basic/path-node.h"
#include "layer/names.h"

/*
 * The directories that a walk has read, and when each was changed last: if nothing of this is
 * different when all of them are looked at again, there was a moment at which all was as it was read.
 */

/** struct stamp - a directory at one moment */
struct stamp {
	dev_t dev;
	ino_t ino;
	int64_t changed; /* ns; 0: a change right after this moment might not show in it */
};

/** struct seen - a directory that was read. All-zero but for what is set by seen_new(). */
struct seen {
	struct path_node *node; /* a reference */
	struct names names;	/* that need not be visited again */
	struct stamp stamp;	/* right before it was read last; of SEEN_GONE when it is gone */
	unsigned round;		/* in which it had been changed since */
	bool told;		/* that it could not be read */
	struct seen *child;	/* one of the directories in it */
	struct seen *sibling;	/* the next in the same directory */
	struct seen *older;	/* the one that was made before */
};

#define SEEN_GONE ((struct stamp){ .changed = -1 })

/** stamp_of - the stamp of a directory, from stat(2) a moment ago */
struct stamp stamp_of(const struct stat *st);

/** stamp_is_same - is it certain that nothing has happened between the two? */
bool stamp_is_same(const struct stamp *a, const struct stamp *b);

/**
 * seen_new - remember a directory
 * @last:   all that there are; seen_free() frees them
 * @parent: NULL for the top
 *
 * Returns: NULL without memory.
 */
struct seen *seen_new(struct seen **last, struct seen *parent, struct path_node *node);
void seen_free(struct seen *last);
