/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * A walk through all of a tree, and through a second tree beside it that is being made after the
 * first. By descriptors, without following a link. However deep the tree is, four descriptors are
 * open at a time: the way back is "..", and it is checked that this leads where the walk came from.
 * It stays on one mount: a directory on which something is mounted counts as empty.
 */

struct walk;
struct walk_frame;

/** struct walk_ops - what is done with a tree. Each returns 0 or -errno, which ends the walk. */
struct walk_ops {
	/* Whatever is no directory, in the current directory. */
	int (*file)(struct walk *w, const char *name, const struct stat *st);
	/* A directory in the current one. Sets @ret_fd to the one beside it. May be NULL. */
	int (*enter)(struct walk *w, const char *name, int *ret_fd);
	/* A directory in the current one that cannot be opened, as @err says. NULL: @err ends the walk. */
	int (*unreadable)(struct walk *w, const char *name, int err);
	/* All of the current directory is done. May be NULL. */
	int (*leave)(struct walk *w);
	/* The walk is back from the directory @name of the current one. May be NULL. */
	int (*left)(struct walk *w, const char *name);
};

/** struct walk - where it is. WALK_INIT() begins it, walk_done() frees it. */
struct walk {
	const struct walk_ops *ops;
	void *data; /* for @ops */
	int fd;	    /* the current directory */
	int to_fd;  /* the one beside it; -1: there is no second tree */
	struct walk_frame *frames;
	size_t n_frames;       /* 0: the walk met no directory */
	char at[NAME_MAX + 1]; /* the entry that is being worked on; "": the directory itself */
};

#define WALK_INIT(ops_, data_)                                        \
	{                                                             \
		.ops = (ops_), .data = (data_), .fd = -1, .to_fd = -1 \
	}

void walk_done(struct walk *w);

/**
 * walk_tree - walk through all that is below a directory
 * @fd:    the directory; owned by the walk from here on
 * @to_fd: the one beside it, owned as well, or -1
 *
 * The files of a directory come first, then one of its directories after the other, each with all
 * that is below it. enter and left are not called for @fd itself, leave is.
 *
 * Returns: 0, or -errno of a call or an operation (-ESTALE: the tree was moved meanwhile).
 */
int walk_tree(struct walk *w, int fd, int to_fd);

/**
 * walk_all - walk through what @name is: one file, or a directory as by walk_tree()
 *
 * Returns: as walk_tree().
 */
int walk_all(struct walk *w, int dir_fd, const char *name);

/**
 * walk_where - the path, below the tree, of what a failure is about, for a message
 * @ret: "" for the tree itself, else beginning with a slash; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int walk_where(const struct walk *w, char **ret);

#define _cleanup_walk_ _cleanup_(walk_done)
