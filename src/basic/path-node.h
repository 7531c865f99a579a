/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/strbuf.h"

/*
 * The paths of a tree, as a tree: each is its last component and the node of the directory that it is
 * in. What many of them need together then grows with their number, not with their depth; a path may
 * be longer than PATH_MAX.
 */

/** struct path_node - one path. Made with one reference; the last one frees it. */
struct path_node {
	struct path_node *parent; /* a reference; NULL: the name is the whole path */
	size_t refs;
	size_t depth; /* number of nodes above */
	char name[];
};

/** path_node_new - a node below @parent, NULL for none. Returns: NULL without memory. */
struct path_node *path_node_new(struct path_node *parent, const char *name);
struct path_node *path_node_ref(struct path_node *n);
void path_node_unref(struct path_node *n);

/**
 * struct path_text - a buffer for the text of one path after the other
 *
 * What a path has in common with the one before is not written again: in the order of a walk, each
 * takes as long as its last component. All-zero, but for add, is empty.
 */
struct path_text {
	struct strbuf text;
	/* Adds a name, or "/", in another form; returns what is counted of it. NULL: as it is. */
	size_t (*add)(struct strbuf *b, const char *name);
	struct path_node *last; /* a reference, which keeps all of its steps */
	struct path_step *steps;
	size_t n, size;
};

/**
 * path_text_set - the text of this path
 * @ret_count: the sum of what @t->add has returned; may be NULL
 *
 * Returns: the text, valid until the next call, or NULL without memory.
 */
const char *path_text_set(struct path_text *t, struct path_node *n, size_t *ret_count);
void path_text_done(struct path_text *t);

static inline void path_node_unrefp(struct path_node **n)
{
	path_node_unref(*n);
}

#define _cleanup_path_node_ _cleanup_(path_node_unrefp)
#define _cleanup_path_text_ _cleanup_(path_text_done)
