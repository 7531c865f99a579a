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
	CHECK(!file_system_by_name("minix")->name);
	CHECK_STR(file_system_by_magic(MSDOS_SUPER_MAGIC)->name, "vfat");
	CHECK_STR(file_system_by_magic(EXT4_SUPER_MAGIC)->name, "ext4");
	CHECK_INT(file_system_by_magic(ISOFS_SUPER_MAGIC)->layer, LAYER_UNLESS_CASEFOLD);
	CHECK_INT(file_system_by_name("apfs")->layer, LAYER_NEVER);
	/* Those without a number must not be found by 0. */
	CHECK(!file_system_by_magic(0)->name);
}

static void test_needs(void)
{
	static const struct {
		const char *type;
		enum file_system_needs needs;
	} rows[] = {
		{ "ext4", NEEDS_NOTHING },
		{ "auto", NEEDS_NOTHING },
		{ "9p", NEEDS_NOTHING },
		{ "virtiofs", NEEDS_NOTHING },
		{ "nfs", NEEDS_NETWORK },
		{ "nfs4", NEEDS_NETWORK },
		{ "cifs", NEEDS_NETWORK },
		{ "smb3", NEEDS_NETWORK },
		{ "glusterfs", NEEDS_NETWORK },
		{ "fuse.glusterfs", NEEDS_NETWORK },
		{ "sshfs", NEEDS_NETWORK },
		{ "fuse.sshfs", NEEDS_NETWORK },
		{ "fuse3.sshfs", NEEDS_NETWORK },
		{ "davfs", NEEDS_NETWORK },
		{ "lustre", NEEDS_NETWORK },
		{ "gfs", NEEDS_NETWORK },
		{ "gfs2", NEEDS_NETWORK },
		{ "ocfs2", NEEDS_NETWORK },
		{ "beegfs", NEEDS_NETWORK },
		{ "ceph", NEEDS_NETWORK },
		{ "fuse.ceph", NEEDS_NETWORK },
		{ "afs", NEEDS_NETWORK },
		{ "pvfs2", NEEDS_NETWORK },
		{ "orangefs", NEEDS_NETWORK },
		{ "fuse.rclone", NEEDS_NETWORK },
		{ "rclone", NEEDS_NETWORK },
		{ "ceph-fuse", NEEDS_NETWORK },
		{ "fuse.ceph-fuse", NEEDS_NETWORK },
		{ "cvmfs", NEEDS_NETWORK },
		{ "fuse.cvmfs2", NEEDS_NETWORK },
		{ "mount-s3", NEEDS_NETWORK },
		{ "s3ql", NEEDS_NETWORK },
		{ "fuse.seaweedfs", NEEDS_NETWORK },
		{ "fuse.mergerfs", NEEDS_DAEMON },
		{ "mergerfs", NEEDS_DAEMON },
		{ "fuse", NEEDS_DAEMON },
		{ "fuseblk", NEEDS_DAEMON },
		{ "fuse.unheard-of", NEEDS_DAEMON },
		{ "fuseblk.ntfs-3g", NEEDS_DAEMON },
		{ "ntfs-3g", NEEDS_DAEMON },
		{ "fuse.ext4", NEEDS_DAEMON },
		{ "fuse.vfat", NEEDS_DAEMON },
		{ "zfs", NEEDS_SERVICES },
		{ "fusectl", NEEDS_NOTHING },
		{ "", NEEDS_NOTHING },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->type;
		CHECK_INT(file_system_by_name(row->type)->needs, row->needs);
		CHECK_INT(file_system_by_spec("/dev/x", row->type)->needs, row->needs);
	}
	check.label = NULL;
	CHECK_INT(file_system_by_spec("sshfs#me@host:", "fuse")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("sshfs#me@host:", "auto")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("nas:/home", "auto")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("[fe80::1]:/home", "auto")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("//nas/home", "auto")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("LABEL=a:b", "auto")->needs, NEEDS_NOTHING);
	CHECK_INT(file_system_by_spec("/dev/disk/by-path/pci-0000:00", "auto")->needs,
		  NEEDS_NOTHING);
	CHECK_INT(file_system_by_spec("nas:/home", "none")->needs, NEEDS_NOTHING);
	CHECK_INT(file_system_by_spec("/usr/bin/sshfs#me@host:/a#b", "fuse3")->needs,
		  NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("mfsmount", "fuse")->needs, NEEDS_NETWORK);
	CHECK_INT(file_system_by_spec("/dev/sda1", "fuseblk")->needs, NEEDS_DAEMON);
	CHECK_INT(file_system_by_spec("", "fuse")->needs, NEEDS_DAEMON);
	CHECK_INT(file_system_by_spec("bindfs#/a", "fuse")->needs, NEEDS_DAEMON);
	CHECK_STR(file_system_needs_to_string(NEEDS_NETWORK), "from the network");
	CHECK_STR(file_system_needs_to_string(NEEDS_NOTHING), "");
}

static void test_uses(void)
{
	static const struct {
		const char *type;
		bool on_device, holds_uppers;
	} rows[] = {
		{ "auto", true, true },		{ "ext4", true, true },
		{ "btrfs", true, true },	{ "unheard-of", true, true },
		{ "vfat", true, false },	{ "ntfs3", true, false },
		{ "squashfs", true, false },	{ "iso9660", true, false },
		{ "ntfs-3g", true, false },	{ "fuseblk", true, false },
		{ "fuse.exfat", true, false },	{ "tmpfs", false, true },
		{ "ramfs", false, true },	{ "overlay", false, true },
		{ "none", false, true },	{ "9p", false, true },
		{ "virtiofs", false, true },	{ "nfs4", false, false },
		{ "fuse.sshfs", false, false }, { "fuse.mergerfs", false, false },
		{ "gfs2", false, false },	{ "zfs", false, false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->type;
		CHECK(file_system_is_on_device(row->type) == row->on_device);
		CHECK(file_system_holds_uppers(row->type) == row->holds_uppers);
	}
	check.label = NULL;
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
	test_needs();
	test_uses();
	test_same();
	return check_done();
}
