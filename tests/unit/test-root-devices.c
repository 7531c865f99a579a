/* SPDX-License-Identifier: MIT */
#include "verdict/root-devices.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "check.h"

static void test_the_list_comes_back_from_its_text(void)
{
	static const char text[] = "set 8:1 /dev/sda1\n"
				   "found 8:0 /dev/sda\n"
				   "left 259:12 /dev/nvme0n1 [Partition data]\n"
				   "left 104:0 /dev/cciss/c0d0 /boot/a b\n";
	_cleanup_root_devices_ struct root_devices l = { 0 };
	_cleanup_free_ char *copy = strdup(text), *again = NULL;

	CHECK_INT(root_devices_parse(copy, &l), 0);
	CHECK_INT(l.n, 4);
	CHECK_INT(l.list[0].fate, ROOT_DEVICE_SET);
	CHECK_INT(l.list[1].fate, ROOT_DEVICE_FOUND);
	CHECK(!l.list[1].needed_by);
	CHECK_STR(l.list[2].name, "/dev/nvme0n1");
	CHECK_STR(l.list[2].needed_by, "[Partition data]");
	CHECK_STR(l.list[3].needed_by, "/boot/a b");
	CHECK(root_devices_find(&l, 259, 12) == &l.list[2]);
	CHECK(!root_devices_find(&l, 259, 13));
	CHECK_INT(root_devices_format(&l, &again), 0);
	CHECK_STR(again, text);
}

static void test_what_is_no_line_of_it_is_passed_over(void)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"set\n",
		"set 8 /dev/sda\n",
		"kept 8:0 /dev/sda\n",
		"setting 8:0 /dev/sda\n",
	};

	CHECK_EACH(text, texts)
	{
		_cleanup_root_devices_ struct root_devices l = { 0 };
		_cleanup_free_ char *copy = strdup(*text);

		CHECK_INT(root_devices_parse(copy, &l), 0);
		CHECK_INT(l.n, 0);
	}
}

/* A mount point may have any name, and its line must stay one. */
static void test_a_name_with_a_newline_is_one_line(void)
{
	char path[] = "/srv/a\nset 8:0 /dev/sda";
	struct root_device d = {
		.fate = ROOT_DEVICE_LEFT, .major = 8, .minor = 1, .needed_by = path
	};
	_cleanup_root_devices_ struct root_devices l = { 0 }, again = { 0 };
	_cleanup_free_ char *text = NULL;

	strcpy(d.name, "/dev/sda1");
	CHECK_INT(root_devices_add(&l, &d), 0);
	CHECK_INT(root_devices_format(&l, &text), 0);
	CHECK_INT(root_devices_parse(text, &again), 0);
	CHECK_INT(again.n, 1);
}

int main(void)
{
	test_the_list_comes_back_from_its_text();
	test_what_is_no_line_of_it_is_passed_over();
	test_a_name_with_a_newline_is_one_line();
	return check_done();
}
