/* SPDX-License-Identifier: MIT */
#include "plan/subvolume.h"

#include "check.h"

static enum subvolumes reversed(enum subvolumes s)
{
	if (s == SUBVOLUMES_OUTER)
		return SUBVOLUMES_INNER;
	return s == SUBVOLUMES_INNER ? SUBVOLUMES_OUTER : s;
}

static void test_compare(void)
{
	static const struct {
		const char *one, *two;
		enum subvolumes expected;
	} rows[] = {
		{ "", "", SUBVOLUMES_SAME },
		{ "noatime", "defaults", SUBVOLUMES_SAME },
		{ "subvol=@a", "subvol=/@a/", SUBVOLUMES_SAME },
		{ "noatime,subvol=@a", "subvolid=256,subvol=/@a", SUBVOLUMES_SAME },
		{ "subvolid=5", "defaults", SUBVOLUMES_SAME },
		{ "subvolid=0", "subvol=/", SUBVOLUMES_SAME },
		{ "subvolid=256", "subvolid=256", SUBVOLUMES_SAME },
		{ "subvol=@a", "defaults", SUBVOLUMES_INNER },
		{ "subvol=@a", "subvol=@a/b", SUBVOLUMES_OUTER },
		{ "subvolid=5", "subvol=@a", SUBVOLUMES_OUTER },
		{ "subvol=@a", "subvol=@ab", SUBVOLUMES_SEPARATE },
		{ "subvol=@a/b", "subvol=@a/c", SUBVOLUMES_SEPARATE },
		{ "subvolid=256", "subvolid=257", SUBVOLUMES_UNKNOWN },
		{ "subvolid=256", "subvol=@a", SUBVOLUMES_UNKNOWN },
		{ "subvolid=256", "", SUBVOLUMES_UNKNOWN },
		/* Of any file system. */
		{ "X-mount.subdir=a", "X-mount.subdir=/a", SUBVOLUMES_SAME },
		{ "X-mount.subdir=a", "", SUBVOLUMES_INNER },
		{ "X-mount.subdir=a", "X-mount.subdir=b", SUBVOLUMES_SEPARATE },
		{ "subvol=@a,X-mount.subdir=b", "subvol=@a/b", SUBVOLUMES_SAME },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->one;
		CHECK_INT(subvolume_compare(row->one, row->two), row->expected);
		CHECK_INT(subvolume_compare(row->two, row->one), reversed(row->expected));
	}
	check.label = NULL;
}

int main(void)
{
	test_compare();
	return check_done();
}
