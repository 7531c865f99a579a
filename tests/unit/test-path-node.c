/* SPDX-License-Identifier: MIT */
#include "basic/path-node.h"

#include <string.h>

#include "check.h"

static size_t add_shouting(struct strbuf *b, const char *name)
{
	strbuf_add(b, name);
	strbuf_add_char(b, '!');
	return 1;
}

static struct path_node *below(struct path_node *parent, const char *name)
{
	struct path_node *n = path_node_new(parent, name);

	path_node_unref(parent); /* the new one keeps it */
	return n;
}

/* In any order, and when the node before is gone. */
static void test_text(void)
{
	_cleanup_path_text_ struct path_text t = { 0 };
	struct path_node *var = path_node_new(NULL, "/var");
	struct path_node *a = path_node_new(var, "a"), *b = path_node_new(a, "b");
	struct path_node *c = below(path_node_new(var, "c"), "d");
	size_t count = 7;

	CHECK_STR(path_text_set(&t, b, NULL), "/var/a/b");
	CHECK_STR(path_text_set(&t, var, NULL), "/var");
	CHECK_STR(path_text_set(&t, c, &count), "/var/c/d");
	CHECK_INT(count, 0);
	CHECK_STR(path_text_set(&t, a, NULL), "/var/a");
	CHECK_STR(path_text_set(&t, a, NULL), "/var/a");
	path_node_unref(b);
	path_node_unref(a);
	a = path_node_new(var, "x");
	CHECK_STR(path_text_set(&t, a, NULL), "/var/x");

	path_node_unref(a);
	path_node_unref(c);
	path_node_unref(var);
	CHECK_STR(t.text.text, "/var/x");
}

static void test_count(void)
{
	_cleanup_path_text_ struct path_text t = { .add = add_shouting };
	_cleanup_path_node_ struct path_node *n = below(path_node_new(NULL, "/var"), "a");
	size_t count;

	CHECK_STR(path_text_set(&t, n, &count), "/var!/!a!");
	CHECK_INT(count, 3);
}

/* Many more levels than the stack would have room for. */
static void test_depth(void)
{
	_cleanup_path_text_ struct path_text t = { 0 };
	struct path_node *n = path_node_new(NULL, "/var");

	for (int i = 0; i < 1000000; i++)
		n = below(n, "d");
	CHECK_INT(strlen(path_text_set(&t, n, NULL)), 4 + 2 * 1000000);
	path_node_unref(n);
}

int main(void)
{
	test_text();
	test_count();
	test_depth();
	return check_done();
}
