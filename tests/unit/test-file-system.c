/* SPDX-License-Identifier: MIT */
#include "basic/file-system.h"

#include <linux/magic.h>

#include "basic/macro.h"
#include "check.h"

static void test_table(void)
{
	CHECK(file_system_by_name("vfat")->layer == LAYER_NEVER);
	CHECK(file_system_by_name("vfat")->no_owners);
	CHECK(file_system_by_name("f2fs")->layer == LAYER_UNLESS_CASEFOLD);
	CHECK(file_system_by_name("squashfs")->layer == LAYER_ANY);
	CHECK(!file_system_by_name("squashfs")->name);
	CHECK_STR(file_system_by_magic(MSDOS_SUPER_MAGIC)->name, "vfat");
	CHECK_STR(file_system_by_magic(EXT4_SUPER_MAGIC)->name, "ext4");
	/* Those without a number must not be found by 0. */
	CHECK(!file_system_by_magic(0)->name);
}

static void test_same(void)
{
	static const struct {
		const char *one, *two;
		bool same;
	} rows[] = {
		{ "ext4", "ext3", true },   { "ext4", "ext4", true },	{ "ntfs3", "ntfs", true },
		{ "msdos", "vfat", true },  { "xfs", "xfs", true },	{ "ext4", "xfs", false },
		{ "exfat", "vfat", false }, { "btrfs", "ext2", false }, { "exfat", "ext4", false },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		CHECK(file_system_is_same(rows[i].one, rows[i].two) == rows[i].same);
}

int main(void)
{
	test_table();
	test_same();
	return check_done();
}
