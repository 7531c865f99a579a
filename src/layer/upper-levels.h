/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "layer/names.h"
#include "layer/seen.h"
#include "layer/upper-found.h"
#include "layer/upper.h"

/* For upper-walk.c: the directories from the overlay's root to where the walk is, in both layers. */

/* Which directory it is, to recognize it. */
struct identity {
	dev_t dev;
	ino_t ino;
};

/* A directory in one of the layers. */
struct level_dir {
	int fd; /* -1: closed, or there is none */
	bool exists;
	struct identity is; /* when closed */
};

/* One of the directories. */
struct level {
	struct seen *dir;
	size_t path_len;
	struct seen *child; /* the next of those that earlier rounds have seen in it */
	struct names names; /* that no round has seen before */
	size_t next;	    /* of the names */
	struct level_dir upper, lower;
	int lower_error; /* -errno: why what the lower has here is not known */
	bool opaque;	 /* nothing of the lower shows in it, nor in what is below it */
};

/** struct levels - all of them. levels_init() begins it, levels_done() frees it. */
struct levels {
	const struct upper_layer *layer;
	struct level *list;
	size_t depth;
	size_t held_max;   /* levels of directories whose descriptors stay open */
	unsigned descents; /* from the root to a directory that was moved; the caller resets it */
};

void levels_init(struct levels *w, const struct upper_layer *l);
void levels_done(struct levels *w);

/** levels_last - the directory where the walk is; NULL before the root */
static inline struct level *levels_last(const struct levels *w)
{
	return w->depth > 0 ? &w->list[w->depth - 1] : NULL;
}

/**
 * levels_enter - go into a directory
 * @d:        what it holds is taken over
 * @path_len: of its path, bytes
 *
 * The list may move: no pointer to one is valid afterwards. Returns: 0 or -ENOMEM.
 */
int levels_enter(struct levels *w, struct found *d, size_t path_len);

/**
 * levels_leave - go back to the directory above, even after an error
 *
 * Returns: 0, -ESTALE when it was moved and is not found again, or another -errno: then the rest of it
 * cannot be read.
 */
int levels_leave(struct levels *w);
