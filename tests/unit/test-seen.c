/* SPDX-License-Identifier: MIT */
#include "layer/seen.h"

#include <time.h>

#include "check.h"

/* Of a directory that was changed so many ns ago. */
static struct stamp make(int64_t age, bool whole_second)
{
	struct stat st = { .st_dev = 1, .st_ino = 2 };
	struct timespec now;
	int64_t changed;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	changed = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - age;
	st.st_ctim = (struct timespec){ changed / 1000000000, changed % 1000000000 };
	if (whole_second)
		st.st_ctim.tv_nsec = 0;
	else if (st.st_ctim.tv_nsec == 0)
		st.st_ctim.tv_nsec = 1;
	return stamp_of(&st);
}

/* A change that the time stamp could not show makes it different from any. */
static void test_granularity(void)
{
	CHECK_INT(make(0, false).changed, 0);
	CHECK_INT(make(-4000000, false).changed, 0); /* finer than the clock */
	CHECK(make(500000000, false).changed != 0);
	CHECK(make(-60000000000, false).changed != 0); /* the clock was set back */
	CHECK_INT(make(0, true).changed, 0);
	CHECK(make(3000000000, true).changed != 0);
}

static void test_same(void)
{
	const struct stamp a = { 1, 2, 3 }, gone = SEEN_GONE;
	struct stamp b = a;

	CHECK(stamp_is_same(&a, &b));
	b.ino++;
	CHECK(!stamp_is_same(&a, &b));
	b = a;
	b.dev++;
	CHECK(!stamp_is_same(&a, &b));
	b = (struct stamp){ 1, 2, 0 };
	CHECK(!stamp_is_same(&b, &b));
	CHECK(stamp_is_same(&gone, &gone));
	CHECK(!stamp_is_same(&a, &gone));
}

static void add(struct names *names, const char *name, bool dir)
{
	CHECK_INT(names_add(names, name, dir), 0);
}

static void test_names(void)
{
	struct names fresh = { 0 }, known = { 0 }, none = { 0 };

	add(&fresh, "b", false);
	add(&fresh, "a-b", false);
	add(&fresh, "a", true);
	CHECK_INT(names_remove(&none, &fresh), 0);
	CHECK_INT(names_remove(&fresh, &none), 0);
	CHECK_INT(fresh.n, 3);
	CHECK_STR(fresh.sorted[0], "a");
	CHECK_STR(fresh.sorted[1], "a-b");

	/* What has become a directory is new. */
	add(&known, "b", false);
	add(&known, "z", false);
	add(&known, "a", false);
	CHECK_INT(names_remove(&fresh, &known), 0);
	CHECK_INT(fresh.n, 2);
	CHECK_STR(fresh.sorted[0], "a");
	add(&known, "a", true);
	CHECK_INT(names_remove(&fresh, &known), 0);
	CHECK_INT(fresh.n, 1);
	CHECK_STR(fresh.sorted[0], "a-b");
	names_done(&fresh);
	names_done(&known);
}

int main(void)
{
	test_granularity();
	test_same();
	test_names();
	return check_done();
}
