/* SPDX-License-Identifier: MIT */
#include "basic/path.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"

static void test_clean(void)
{
	static const struct {
		const char *input, *expected;
	} rows[] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/.", "/" },
		{ "/./", "/" },
		{ "/a", "/a" },
		{ "/a/", "/a" },
		{ "//a//b//", "/a/b" },
		{ "/a/./b/.", "/a/b" },
		{ "/.a/b.", "/.a/b." },
		{ "/a/../b", "/a/../b" },
		{ "/...", "/..." },
		{ "a/b/", "a/b" },
		{ "./a", "a" },
		{ ".", "" },
		{ "", "" },
		{ "/a b/\\", "/a b/\\" },
	};

	CHECK_EACH(row, rows)
	{
		char path[64];

		strcpy(path, row->input);
		path_clean(path);
		check.label = row->input;
		CHECK_STR(path, row->expected);
	}
	check.label = NULL;
}

static void test_dotdot(void)
{
	static const struct {
		const char *path;
		bool expected;
	} rows[] = {
		{ "/..", true },     { "/a/..", true },	 { "/../a", true }, { "..", true },
		{ "/a/../b", true }, { "/a//..", true }, { "/...", false }, { "/..a", false },
		{ "/a..", false },   { "/", false },	 { "", false },	    { "/.", false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->path;
		CHECK_INT(path_has_dotdot(row->path), row->expected);
	}
	check.label = NULL;
}

static void test_below(void)
{
	static const struct {
		const char *path, *dir;
		bool below, at_or_below;
	} rows[] = {
		{ "/a/b", "/a", true, true },	   { "/a", "/a", false, true },
		{ "/ab", "/a", false, false },	   { "/a", "/a/b", false, false },
		{ "/a", "/", true, true },	   { "/", "/", false, true },
		{ "/a/b/c", "/a", true, true },	   { "/a-b", "/a", false, false },
		{ "/a/b", "/a/bc", false, false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->path;
		CHECK_INT(path_is_below(row->path, row->dir), row->below);
		CHECK_INT(path_is_at_or_below(row->path, row->dir), row->at_or_below);
	}
	check.label = NULL;
}

static void test_api(void)
{
	static const struct {
		const char *path;
		bool expected;
	} rows[] = {
		{ "/proc", true },   { "/sys/fs", true },   { "/dev", true },
		{ "/run/x", true },  { "/rofs", true },	    { "/rofs/rw", true },
		{ "/procx", false }, { "/var/run", false }, { "/runner", false },
		{ "/", false },	     { "/var", false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->path;
		CHECK_INT(path_is_api(row->path), row->expected);
	}
	check.label = NULL;
}

static int compare(const void *a, const void *b)
{
	return path_compare(*(const char *const *)a, *(const char *const *)b);
}

static void test_order(void)
{
	const char *paths[] = {
		"/b", "/a/b", "/a-b", "/a", "/a/b/c", "/a.b", "/a b/c", "/\xc3\xa4"
	};
	static const char *const sorted[] = { "/a",   "/a/b", "/a/b/c", "/a b/c",
					      "/a-b", "/a.b", "/b",	"/\xc3\xa4" };

	qsort(paths, ELEMENTSOF(paths), sizeof(*paths), compare);
	for (size_t i = 0; i < ELEMENTSOF(paths); i++)
		CHECK_STR(paths[i], sorted[i]);

	for (size_t i = 0; i < ELEMENTSOF(sorted); i++)
		CHECK_INT(path_count_before(sorted, ELEMENTSOF(sorted), sizeof(*sorted), sorted[i]),
			  i);
	CHECK_INT(path_count_before(sorted, ELEMENTSOF(sorted), sizeof(*sorted), "/"), 0);
	CHECK_INT(path_count_before(sorted, ELEMENTSOF(sorted), sizeof(*sorted), "/a/b/d"), 3);
	CHECK_INT(path_count_before(sorted, ELEMENTSOF(sorted), sizeof(*sorted), "/\xff"),
		  ELEMENTSOF(sorted));
	CHECK_INT(path_count_before(NULL, 0, sizeof(*sorted), "/a"), 0);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* An order, in which nothing comes between a directory and what is below it. */
static void test_order_is_one(void)
{
	char a[9], b[9], c[9];
	uint32_t state = 1;

	for (int i = 0; i < 200000; i++) {
		*check_random_string(&state, "/ab-.\xff", 8, a) = '/';
		*check_random_string(&state, "/ab-.\xff", 8, b) = '/';
		*check_random_string(&state, "/ab-.\xff", 8, c) = '/';
		a[8] = b[8] = c[8] = '\0';
		path_clean(a);
		path_clean(b);
		path_clean(c);

		if ((path_compare(a, b) == 0) != (strcmp(a, b) == 0) ||
		    sign(path_compare(a, b)) != -sign(path_compare(b, a)) ||
		    (path_compare(a, b) < 0 && path_compare(b, c) < 0 && path_compare(a, c) >= 0) ||
		    (path_is_below(c, a) && !path_is_below(b, a) && path_compare(a, b) < 0 &&
		     path_compare(b, c) < 0)) {
			check.label = a;
			CHECK_STR(b, c);
		}
	}
	CHECK(true);
}

static void test_clean_twice_is_clean_once(void)
{
	char once[17], twice[17];
	uint32_t state = 7;

	for (int i = 0; i < 100000; i++) {
		check_random_string(&state, "//..ab", 16, once);
		path_clean(once);
		strcpy(twice, once);
		path_clean(twice);
		if (strcmp(once, twice) != 0 || strstr(once, "//") || strstr(once, "/./"))
			CHECK_STR(twice, once);
	}
	CHECK(true);
}

int main(void)
{
	test_clean();
	test_dotdot();
	test_below();
	test_api();
	test_order();
	test_order_is_one();
	test_clean_twice_is_clean_once();
	return check_done();
}
