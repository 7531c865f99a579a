/* SPDX-License-Identifier: MIT */
#include "verdict/reported.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"

/* Each number is how full the pool is at one look; the limit that is to be reported then. */
static void test_each_crossing_is_told_once(void)
{
	static const struct {
		unsigned percent, told;
	} looks[] = {
		{ 10, 0 }, { 79, 0 },  { 80, 80 }, { 85, 0 },  { 94, 0 }, { 95, 95 },
		{ 99, 0 }, { 94, 0 },  { 95, 0 }, /* not well below the limit in between */
		{ 89, 0 }, { 96, 95 },		  /* this time it was */
		{ 76, 0 }, { 80, 0 },  { 74, 0 },  { 80, 80 }, { 10, 0 }, { 100, 95 },
	};
	_cleanup_reported_ struct reported s = { 0 };

	CHECK_EACH(look, looks)
	{
		struct storage v = { .dir = "/rofs",
				     .usage = { .known = true,
						.used = look->percent,
						.available = 100 - look->percent,
						.inodes = 100,
						.inodes_used = 1 } };
		_cleanup_free_ char *text = NULL;
		unsigned told;

		CHECK_INT(reported_step(&s, &v, REPORTED_BYTES, &told), 0);
		CHECK_INT(told, look->told);
		CHECK_INT(reported_step(&s, &v, REPORTED_INODES, &told), 0);
		CHECK_INT(told, 0);

		/* What is kept in a file in between is enough. */
		CHECK_INT(reported_format(&s, &text), 0);
		reported_done(&s);
		CHECK_INT(reported_parse(text, &s), 0);
	}
}

static void test_bytes_and_inodes_are_apart(void)
{
	_cleanup_reported_ struct reported s = { 0 };
	struct storage v = { .dir = "/rofs/rw/a b",
			     .usage = { .known = true,
					.used = 85,
					.available = 15,
					.inodes = 100,
					.inodes_used = 97 } };
	_cleanup_free_ char *text = NULL;
	unsigned told;

	CHECK_INT(reported_step(&s, &v, REPORTED_INODES, &told), 0);
	CHECK_INT(told, 95);
	CHECK_INT(reported_step(&s, &v, REPORTED_BYTES, &told), 0);
	CHECK_INT(told, 80);
	CHECK_INT(reported_format(&s, &text), 0);
	CHECK_STR(text, "level 80 95 /rofs/rw/a b\n");
}

static void test_what_is_not_known_is_not_told(void)
{
	_cleanup_reported_ struct reported s = { 0 };
	struct storage v = { .dir = "/rofs" };
	unsigned told;

	CHECK_INT(reported_step(&s, &v, REPORTED_BYTES, &told), 0);
	CHECK_INT(told, 0);
	CHECK_INT(s.n_levels, 0);
}

static void test_errors_survive(void)
{
	static const char *const texts[] = { NULL, "", "overlay-missing\t/a\t\n",
					     "a\t/x y\tz\nb\t\t\n" };

	CHECK_EACH(text, texts)
	{
		struct reported s = { .errors = *text ? strdup(*text) : NULL };
		_cleanup_reported_ struct reported again = { 0 };
		_cleanup_free_ char *written = NULL;

		CHECK_INT(reported_format(&s, &written), 0);
		CHECK_INT(reported_parse(written, &again), 0);
		CHECK_STR(again.errors, *text);
		reported_done(&s);
	}
}

/* The sentence may change, with what is mounted over a path for example: it is the same error. */
static void test_errors_are_what_they_are_about(void)
{
	const struct diag_entry mistake = { .pos = { "/etc/rofs.conf", 5 } };
	const struct problem problems[] = {
		{ .kind = PROBLEM_SWAP_ACTIVE, .path = "/dev/vda3", .device = "/dev/vda3" },
		{ .kind = PROBLEM_SPACE_LOW, .path = "/rofs" },
		{ .kind = PROBLEM_PERSIST_MISSING, .path = "/a b", .partition = "data" },
		{ .kind = PROBLEM_CONFIGURATION, .entry = &mistake },
	};
	_cleanup_verdict_ struct verdict v = { 0 };
	_cleanup_free_ char *text = NULL;

	CHECK_EACH(p, problems)
	problems_add(&v.problems, p);
	CHECK_INT(v.problems.n, 4);
	CHECK_INT(v.problems.n_errors, 3);
	CHECK_INT(reported_errors(&v, &text), 0);
	CHECK_STR(text, "swap-active\t/dev/vda3\t\n"
			"persist-missing\t/a b\tdata\n"
			"configuration\t\t\t/etc/rofs.conf:5\n");
}

/* Whatever lies in the file: it is read, or skipped. */
static void test_strange_files(void)
{
	static const char *const texts[] = {
		"level",	"level 1",	   "level 80 80",     "level 80 80 ",
		"level x y /a", "level 80 80 /\n", "error",	      "\n\n\n",
		"known",	"error x",	   "level 9 7 /a\nx", "level 80 80\n/b\n",
	};

	CHECK_EACH(text, texts)
	{
		_cleanup_reported_ struct reported s = { 0 };

		CHECK_INT(reported_parse(*text, &s), 0);
	}
}

int main(void)
{
	test_each_crossing_is_told_once();
	test_bytes_and_inodes_are_apart();
	test_what_is_not_known_is_not_told();
	test_errors_survive();
	test_errors_are_what_they_are_about();
	test_strange_files();
	return check_done();
}
