/* SPDX-License-Identifier: MIT */
#include "plan/fstab.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "check.h"

static void test_of_device(void)
{
	static const struct {
		const char *spec;
		bool expected;
	} rows[] = {
		{ "/dev/sda3", true },
		{ "LABEL=data", true },
		{ "LABEL=a:b", true },
		{ "PARTUUID=1234-01", true },
		{ "LABEL=", false },
		{ "/devices", false },
		{ "server:/export", false },
		{ "user@host:/a?b=c", false },
		{ "admin@id.fs=/srv", false },
		{ "//server/a=b", false },
		{ "tmpfs", false },
		{ "overlay", false },
	};

	CHECK_EACH(row, rows)
	{
		const struct fstab_entry e = { .spec = (char *)row->spec };

		check.label = row->spec;
		CHECK_INT(fstab_is_of_device(&e), row->expected);
	}
	check.label = NULL;
}

static void test_options(void)
{
	static const struct {
		const char *options, *name;
		bool expected;
		const char *value;
	} rows[] = {
		{ "defaults", "noauto", false, NULL },
		{ "noauto", "noauto", true, NULL },
		{ "rw,noauto,x", "noauto", true, NULL },
		{ "noautox", "noauto", false, NULL },
		{ "xnoauto", "noauto", false, NULL },
		{ "", "noauto", false, NULL },
		{ ",,noauto", "noauto", true, NULL },
		{ "x-systemd.device-timeout=5s,rw", "x-systemd.device-timeout", true, "5s" },
		{ "rw,x-systemd.device-timeout=", "x-systemd.device-timeout", true, "" },
		{ "x-systemd.device-timeout", "x-systemd.device-timeout", true, NULL },
		{ "a=b=c", "a", true, "b=c" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *value = NULL;

		check.label = row->options;
		CHECK_INT(fstab_has_option(row->options, row->name), row->expected);
		CHECK_INT(fstab_option_value(row->options, row->name, &value), 0);
		CHECK_STR(value, row->value);
	}
	check.label = NULL;
}

static void test_read_only_options(void)
{
	static const struct {
		const char *input, *expected;
	} rows[] = {
		{ "", "ro" },
		{ "defaults", "ro" },
		{ "rw", "ro" },
		{ "ro", "ro" },
		{ "rw,noatime", "ro,noatime" },
		{ "errors=remount-ro", "ro,errors=remount-ro" },
		{ "defaults,rw,nofail,noauto,user,_netdev,x-systemd.device-timeout=5,comment=x",
		  "ro" },
		{ "subvol=@home,compress=zstd:1,rw", "ro,subvol=@home,compress=zstd:1" },
		{ "rwx,defaultsx,xro", "ro,rwx,defaultsx,xro" },
		{ "rw=recursive,ro=vfs,noexec=recursive", "ro,noexec=recursive" },
		{ ",,noatime,,", "ro,noatime" },
		{ "x-systemd.requires=a\\,b.service,noatime", "ro,noatime" },
		{ "x-a=b\\,nosuid,c=d\\,e", "ro,c=d\\,e" },
		{ "discard,commit=60", "ro,discard,commit=60" },
		{ "noatime,usrquota,grpquota", "ro,noatime" },
		{ "usrjquota=aquota.user,grpjquota=aquota.group,jqfmt=vfsv1,acl", "ro,acl" },
		{ "uquota,pqnoenforce,inode64", "ro,inode64" },
		{ "size=1g,usrquota_block_hardlimit=1m,grpquota_inode_hardlimit=5", "ro,size=1g" },
		{ "noquota,quotax,xquota", "ro,noquota,quotax,xquota" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->input;
		CHECK_INT(fstab_options_read_only(row->input, &seen), 0);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

static void test_writable_options(void)
{
	static const struct {
		const char *input, *expected;
	} rows[] = {
		{ "", "rw" },
		{ "ro", "rw" },
		{ "defaults", "rw,defaults" },
		{ "rw,ro,errors=remount-ro", "rw,errors=remount-ro" },
		{ "noatime,ro", "rw,noatime" },
		{ "subvol=/@ro,ro=1,row", "rw,subvol=/@ro,ro=1,row" },
		{ "context=\"a,ro\",ro", "rw,context=\"a,ro\"" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->input;
		CHECK_INT(fstab_options_writable(row->input, &seen), 0);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

#define FROM(from, path, kind, words)                                                  \
	{                                                                              \
		.spec = (char *)(from), .dir = (char *)(path), .type = (char *)(kind), \
		.options = (char *)(words)                                             \
	}
#define ENTRY(dir, type, options) FROM("/dev/x", dir, type, options)

static void test_index(void)
{
	static struct fstab_entry entries[] = {
		ENTRY("/", "ext4", "defaults"),	      ENTRY("none", "swap", "sw"),
		ENTRY("/home", "ext4", "first"),      ENTRY("/var/log", "ext4", "defaults"),
		ENTRY("/home", "ext4", "second"),     ENTRY("/mnt", "ext4", "noauto"),
		ENTRY("/run/x", "tmpfs", "defaults"), ENTRY("relative", "ext4", "defaults"),
		ENTRY("/a/../b", "ext4", "defaults"), ENTRY("/bad\n", "ext4", "defaults"),
		ENTRY("/swapped", "swap", "sw"),      ENTRY("/mnt", "ext4", "defaults"),
	};
	static const struct {
		const char *path, *dir, *options;
	} rows[] = {
		{ "/home", "/home", "first" }, /* systemd ignores the second */
		{ "/home/a/b", "/home", "first" },
		{ "/homes", NULL, NULL },
		{ "/var", NULL, NULL },
		{ "/var/log", "/var/log", "defaults" },
		{ "/var/log/x", "/var/log", "defaults" },
		{ "/mnt", NULL, NULL },
		{ "/", NULL, NULL },
		{ "/run/x", NULL, NULL },
		{ "/b", NULL, NULL },
		{ "/swapped", NULL, NULL },
	};
	struct facts facts = { .fstab = entries, .n_fstab = ELEMENTSOF(entries) };
	_cleanup_fstab_index_ struct fstab_index x = { 0 };

	CHECK_INT(fstab_index_build(&facts, &x), 0);
	CHECK_INT(x.n, 2);
	CHECK_EACH(row, rows)
	{
		const struct fstab_entry *e = fstab_at_or_above(&x, row->path);

		check.label = row->path;
		CHECK_STR(e ? e->dir : NULL, row->dir);
		CHECK_STR(e ? e->options : NULL, row->options);
	}
	check.label = NULL;
}

static void test_empty_index(void)
{
	struct facts facts = { 0 };
	_cleanup_fstab_index_ struct fstab_index x = { 0 };

	CHECK_INT(fstab_index_build(&facts, &x), 0);
	CHECK(fstab_at_or_above(&x, "/var") == NULL);
}

/* What must run before it can be mounted, and can it be a lower at all? */
static void test_lower(void)
{
	static const struct {
		const char *spec, *type, *options;
		enum file_system_needs needs;
		bool no_layer;
	} rows[] = {
		{ "/dev/sda3", "ext4", "defaults", NEEDS_NOTHING, false },
		{ "/dev/sda3", "auto", "defaults", NEEDS_NOTHING, false },
		{ "/dev/sda3", "ext4", "_netdev", NEEDS_NETWORK, false },
		{ "/dev/sda3", "vfat", "umask=077", NEEDS_NOTHING, true },
		{ "server:/home", "nfs4", "defaults", NEEDS_NETWORK, false },
		{ "//server/home", "smb3", "defaults", NEEDS_NETWORK, false },
		{ "sshfs#user@host:", "fuse", "defaults", NEEDS_NETWORK, false },
		{ "/a:/b", "fuse.mergerfs", "defaults", NEEDS_DAEMON, false },
		{ "tank/home", "zfs", "defaults", NEEDS_SERVICES, false },
		{ "/share", "9p", "trans=virtio,version=9p2000.L", NEEDS_NOTHING, false },
		{ "/share", "9p", "defaults", NEEDS_NOTHING, false },
		{ "10.0.0.1", "9p", "trans=tcp,port=564", NEEDS_NETWORK, false },
		{ "10.0.0.1", "9p", "trans=rdma", NEEDS_NETWORK, false },
		{ "/run/9p", "9p", "version=9p2000.L,trans=unix", NEEDS_DAEMON, false },
		{ "gadget", "9p", "trans=usbg", NEEDS_NOTHING, false },
		{ "gadget", "9p", "trans=virtio,_netdev", NEEDS_NETWORK, false },
		{ "share", "virtiofs", "defaults", NEEDS_NOTHING, false },
		/* Of what is bound, that counts. */
		{ "/nas/home", "none", "bind", NEEDS_NETWORK, false },
		{ "/usb/home", "none", "bind", NEEDS_NOTHING, true },
		{ "/var/homes", "none", "bind", NEEDS_NOTHING, false },
		{ "/nas/home", "none", "defaults", NEEDS_NOTHING, false },
		{ "/nas/home.img", "ext4", "loop", NEEDS_NETWORK, false },
		{ "/usb/home.img", "ext4", "loop", NEEDS_NOTHING, false },
	};

	CHECK_EACH(row, rows)
	{
		struct fstab_entry entries[] = {
			ENTRY("/", "nfs", "defaults"),
			ENTRY("/nas", "cifs", "defaults"),
			ENTRY("/usb", "exfat", "defaults"),
			FROM(row->spec, "/home", row->type, row->options),
		};
		struct facts facts = { .fstab = entries, .n_fstab = ELEMENTSOF(entries) };
		_cleanup_fstab_index_ struct fstab_index x = { 0 };

		check.label = row->type;
		CHECK_INT(fstab_index_build(&facts, &x), 0);
		CHECK_INT(fstab_needs(&x, &entries[3]), row->needs);
		CHECK_INT(fstab_is_no_layer(&x, &entries[3]), row->no_layer);
	}
	check.label = NULL;
}

/* A slash at the start of the first field is not always that of a path. */
static void test_of_path(void)
{
	static const struct {
		struct fstab_entry entry;
		bool expected;
	} rows[] = {
		{ FROM("/homes", "/home", "none", "bind"), true },
		{ FROM("/homes", "/home", "none", "rbind,ro"), true },
		{ FROM("/images/home", "/home", "squashfs", "loop"), true },
		{ FROM("/images/home", "/home", "ext4", "ro,loop=/dev/loop3"), true },
		{ FROM("/dev/sda3", "/home", "ext4", "loop"), false },
		{ FROM("/a:/b", "/home", "fuse.mergerfs", "defaults"), false },
		{ FROM("/share", "/home", "9p", "trans=virtio"), false },
		{ FROM("//server/share", "/home", "cifs", "defaults"), false },
		{ FROM("/overlay", "/home", "overlay", "lowerdir=/a:/b"), false },
		{ FROM("images/home", "/home", "squashfs", "loop"), false },
	};

	CHECK_EACH(row, rows)
	{
		struct fstab_entry image = row->entry;

		check.label = row->entry.spec;
		CHECK_INT(fstab_is_of_path(&row->entry), row->expected);
		image.spec_is_file = true;
		CHECK_INT(fstab_is_of_path(&image),
			  row->entry.spec[0] == '/' && strncmp(image.spec, "/dev/", 5) != 0);
	}
	check.label = NULL;
}

static void test_before_local_fs(void)
{
	static const struct {
		struct fstab_entry entry;
		bool expected;
	} rows[] = {
		{ ENTRY("/home", "ext4", "defaults"), true },
		{ ENTRY("/run/data", "ext4", "ro"), true },
		{ ENTRY("/..a", "ext4", "ro"), true },
		{ ENTRY("/", "ext4", "defaults"), false },
		{ ENTRY("none", "swap", "sw"), false },
		{ ENTRY("/home", "ext4", "noauto"), false },
		{ ENTRY("/home", "ext4", "nofail"), false },
		{ ENTRY("/home", "ext4", "x-systemd.automount"), false },
		{ ENTRY("/home", "nfs", "defaults"), false },
		/* systemd ignores these lines. */
		{ ENTRY("", "ext4", "defaults"), false },
		{ ENTRY("none", "ext4", "defaults"), false },
		{ ENTRY("home", "ext4", "defaults"), false },
		{ ENTRY("/x/../home", "ext4", "defaults"), false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->entry.dir;
		CHECK_INT(fstab_is_before_local_fs(&row->entry), row->expected);
	}
	check.label = NULL;
}

int main(void)
{
	test_lower();
	test_of_device();
	test_of_path();
	test_before_local_fs();
	test_options();
	test_read_only_options();
	test_writable_options();
	test_index();
	test_empty_index();
	return check_done();
}
