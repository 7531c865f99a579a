/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "layer/change.h"
#include "rofs/changes/changes.h"

/*
 * What the files of `rofs revert` share: revert.c is the verb, revert-collect.c finds out what is to be put back,
 * revert-put.c does it.
 */

/** enum revert_action - what is done with a path */
enum revert_action {
	REVERT_ON_WAY,	   /* nothing but the time, where it is a directory */
	REVERT_REMOVE,	   /* the lower does not have it */
	REVERT_PUT,	   /* a copy of what the lower has takes its place */
	REVERT_ATTRIBUTES, /* of a directory */
};

/** struct revert_item - one path, in the order of paths */
struct revert_item {
	struct path_node *path; /* as users see it; a reference */
	const struct plan_overlay *overlay;
	enum revert_action action;
	bool dir;    /* in the merged view */
	mode_t mode; /* of the upper file, and its owner: another one may have taken its name */
	uid_t uid;
	gid_t gid;
};

/** struct revert - one run */
struct revert {
	struct changes changes;
	bool dry_run, yes;
	struct revert_item *items;
	size_t n;
	struct path_node *covered;	 /* what is below it is put back with it; a reference */
	size_t put, removed, attributes; /* numbers of paths */
	bool failed;			 /* one could not be put back; reported */
};

/** revert_collect - find out what is to be put back. What cannot be read is reported. Returns: 0 or -errno. */
int revert_collect(struct revert *r);

/** revert_put_all - put it back. What fails is reported, and the rest done. Returns: 0, -EINTR or -ENOMEM. */
int revert_put_all(struct revert *r);
