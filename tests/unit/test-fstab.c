/* SPDX-License-Identifier: MIT */
#include "plan/fstab.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"

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
		{ "discard,commit=60", "ro,discard,commit=60" },
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

#define ENTRY(where, fs, words)                                                         \
	{                                                                               \
		.spec = (char *)"/dev/x", .dir = (char *)(where), .type = (char *)(fs), \
		.options = (char *)(words),                                             \
	}

static void test_index(void)
{
	static struct fstab_entry entries[] = {
		ENTRY("/", "ext4", "defaults"),	      ENTRY("none", "swap", "sw"),
		ENTRY("/home", "ext4", "first"),      ENTRY("/var/log", "ext4", "defaults"),
		ENTRY("/home", "ext4", "second"),     ENTRY("/mnt", "ext4", "noauto"),
		ENTRY("/run/x", "tmpfs", "defaults"), ENTRY("relative", "ext4", "defaults"),
		ENTRY("/a/../b", "ext4", "defaults"), ENTRY("/bad\n", "ext4", "defaults"),
		ENTRY("/swapped", "swap", "sw"),
	};
	static const struct {
		const char *path, *dir, *options;
	} rows[] = {
		{ "/home", "/home", "second" }, /* the last is mounted on top */
		{ "/home/a/b", "/home", "second" },
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

int main(void)
{
	test_options();
	test_read_only_options();
	test_index();
	test_empty_index();
	return check_done();
}
