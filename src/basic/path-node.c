/* SPDX-License-Identifier: MIT */
#include "basic/path-node.h"

#include <stdint.h>
#include <string.h>

#include "basic/macro.h"

/* The beginning of the text that belongs to one node and those above it. */
struct path_step {
	const struct path_node *node;
	size_t len, count;
};

struct path_node *path_node_new(struct path_node *parent, const char *name)
{
	size_t size = strlen(name) + 1;
	struct path_node *n = malloc(sizeof(*n) + size);

	if (!n)
		return NULL;
	n->parent = path_node_ref(parent);
	n->refs = 1;
	n->depth = parent ? parent->depth + 1 : 0;
	memcpy(n->name, name, size);
	return n;
}

struct path_node *path_node_ref(struct path_node *n)
{
	if (n)
		n->refs++;
	return n;
}

/* In a loop: a path may have more components than the stack has room. */
void path_node_unref(struct path_node *n)
{
	while (n && --n->refs == 0) {
		struct path_node *parent = n->parent;

		free(n);
		n = parent;
	}
}

void path_text_done(struct path_text *t)
{
	strbuf_done(&t->text);
	path_node_unref(t->last);
	t->last = NULL;
	free(t->steps);
	t->steps = NULL;
	t->n = t->size = 0;
}

static int reserve(struct path_text *t, size_t n)
{
	struct path_step *grown;

	if (n <= t->size)
		return 0;
	grown = reallocarray(t->steps, n, 2 * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->steps = grown;
	t->size = 2 * n;
	return 0;
}

static size_t add(struct path_text *t, const char *name)
{
	if (t->add)
		return t->add(&t->text, name);
	strbuf_add(&t->text, name);
	return 0;
}

static void append(struct path_text *t, size_t i)
{
	struct path_step *s = &t->steps[i];

	s->count = i > 0 ? s[-1].count + add(t, "/") : 0;
	s->count += add(t, s->node->name);
	s->len = t->text.len;
}

static bool has(const struct path_text *t, const struct path_node *n)
{
	return n->depth < t->n && t->steps[n->depth].node == n;
}

static void set_last(struct path_text *t, struct path_node *n)
{
	path_node_ref(n);
	path_node_unref(t->last);
	t->last = n;
	t->n = n->depth + 1;
}

const char *path_text_set(struct path_text *t, struct path_node *n, size_t *ret_count)
{
	const struct path_node *other = n;
	size_t common;

	if (reserve(t, n->depth + 1) < 0)
		return NULL;
	while (other && !has(t, other)) {
		t->steps[other->depth].node = other;
		other = other->parent;
	}

	common = other ? other->depth + 1 : 0;
	t->text.len = common > 0 ? t->steps[common - 1].len : 0;
	strbuf_add(&t->text, "");
	for (size_t i = common; i <= n->depth; i++)
		append(t, i);
	set_last(t, n);
	if (t->text.failed)
		return NULL;
	if (ret_count)
		*ret_count = t->steps[n->depth].count;
	return t->text.text;
}
