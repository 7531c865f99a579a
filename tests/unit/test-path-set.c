/* SPDX-License-Identifier: MIT */
#include "basic/path-set.h"

#include "check.h"

static void test_set(void)
{
	_cleanup_path_set_ struct path_set s = { 0 };

	CHECK(!path_set_has(&s, "/a"));
	CHECK_INT(path_set_add(&s, "/a"), 0);
	CHECK_INT(path_set_add(&s, "/a"), 0);
	CHECK_INT(path_set_add(&s, "/b/c"), 0);
	CHECK(path_set_has(&s, "/a"));
	CHECK(path_set_has(&s, "/b/c"));
	CHECK(!path_set_has(&s, "/b"));
	CHECK(!path_set_has(&s, "/a/"));
}

int main(void)
{
	test_set();
	return check_done();
}
