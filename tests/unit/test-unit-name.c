/* SPDX-License-Identifier: MIT */
#include "plan/unit-name.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"

static void test_paths(void)
{
	/* As `systemd-escape --path --suffix=mount` says; tests/test_escaping.py asks it for many more. */
	static const struct {
		const char *path, *expected;
	} rows[] = {
		{ "/", "-.mount" },
		{ "/var", "var.mount" },
		{ "/var/local/data", "var-local-data.mount" },
		{ "/a-b", "a\\x2db.mount" },
		{ "/.a/.b", "\\x2ea-.b.mount" },
		{ "/-", "\\x2d.mount" },
		{ "/a b", "a\\x20b.mount" },
		{ "/a\\b", "a\\x5cb.mount" },
		{ "/a\"'%", "a\\x22\\x27\\x25.mount" },
		{ "/\xc3\xa4", "\\xc3\\xa4.mount" },
		{ "/a:b_c.d@e", "a:b_c.d\\x40e.mount" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->path;
		CHECK_INT(unit_name_from_path(row->path, ".mount", &seen), 0);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

static void test_paths_of_units(void)
{
	static const struct {
		const char *name, *expected;
	} rows[] = {
		{ "-.mount", "/" },
		{ "var.mount", "/var" },
		{ "var-local-data.automount", "/var/local/data" },
		{ "a\\x2db.mount", "/a-b" },
		{ "\\x2ea-.b.mount", "/.a/.b" },
		{ "a\\x20b.mount", "/a b" },
		{ "var.service", NULL },
		{ "var", NULL },
		{ "a\\x2.mount", NULL },
		{ "a\\x2", NULL },
		{ "a\\.mount", NULL },
		{ "a\\x00b.mount", NULL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->name;
		CHECK_INT(unit_name_to_path(row->name, &seen), 0);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

static void test_length(void)
{
	char path[300] = "/";
	_cleanup_free_ char *longest = NULL;
	char *none = NULL;

	memset(path + 1, 'a', UNIT_NAME_BYTES_MAX - strlen(".mount"));
	CHECK_INT(unit_name_from_path(path, ".mount", &longest), 0);
	CHECK_INT(strlen(longest), UNIT_NAME_BYTES_MAX);

	path[strlen(path)] = 'a';
	CHECK_INT(unit_name_from_path(path, ".mount", &none), -ENAMETOOLONG);
	CHECK(none == NULL);
	CHECK_INT(unit_name_instance("systemd-fsck", path, &none), -ENAMETOOLONG);
	CHECK(none == NULL);
}

static void test_mangling(void)
{
	/* As `systemctl cat` and systemd.mask= take a name. */
	static const struct {
		const char *value, *suffix, *expected;
	} rows[] = {
		{ "unlock.service", ".mount", "unlock.service" },
		{ "unlock@a.service", ".mount", "unlock@a.service" },
		{ "unlock@.service", ".mount", NULL },
		{ "home", ".mount", "home.mount" },
		{ "home", ".service", "home.service" },
		{ "/home/a b", ".service", "home-a\\x20b.mount" },
		{ "/home//x/", ".mount", "home-x.mount" },
		{ "/dev/sda1", ".mount", "dev-sda1.device" },
		{ "/a/../b", ".mount", NULL },
		{ "a b", ".mount", "a\\x20b.mount" },
		{ "a b.service", ".mount", "a\\x20b.service" },
		{ "a/b.target", ".mount", "a-b.target" },
		{ "a.b", ".mount", "a.b.mount" },
		{ "", ".mount", NULL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->value;
		CHECK_INT(unit_name_mangle(row->value, row->suffix, &seen), 0);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

static void test_instance(void)
{
	_cleanup_free_ char *seen = NULL;

	CHECK_INT(unit_name_instance("systemd-fsck", "/dev/disk/by-label/a-b", &seen), 0);
	CHECK_STR(seen, "systemd-fsck@dev-disk-by\\x2dlabel-a\\x2db.service");
}

static void test_devices(void)
{
	static const struct {
		const char *device;
		int err;
		const char *expected;
	} rows[] = {
		{ "/dev/sda2", 0, "/dev/sda2" },
		{ "LABEL=data", 0, "/dev/disk/by-label/data" },
		{ "UUID=1234-ABCD", 0, "/dev/disk/by-uuid/1234-ABCD" },
		{ "PARTLABEL=x", 0, "/dev/disk/by-partlabel/x" },
		{ "PARTUUID=x", 0, "/dev/disk/by-partuuid/x" },
		{ "LABEL=a b/c", 0, "/dev/disk/by-label/a\\x20b\\x2fc" },
		{ "LABEL=a\\b\"", 0, "/dev/disk/by-label/a\\x5cb\\x22" },
		{ "LABEL=\xc3\xa4", 0, "/dev/disk/by-label/\xc3\xa4" },
		{ "LABEL=Donn\xe9"
		  "es",
		  0, "/dev/disk/by-label/Donn\\xe9es" },
		{ "LABEL=\xc3\x1b\n\xff", 0, "/dev/disk/by-label/\\xc3\\x1b\\x0a\\xff" },
		{ "LABEL=\"\xc3\"", 0, "/dev/disk/by-label/\\xc3" },
		{ "LABEL=#+-.:=@_", 0, "/dev/disk/by-label/#+-.:=@_" },
		{ "tmpfs", -EINVAL, NULL },
		{ "label=x", -EINVAL, NULL },
		{ "/srv/image", -EINVAL, NULL },
		{ "server:/export", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->device;
		CHECK_INT(unit_name_device_path(row->device, &seen), row->err);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

/* A name never holds what ends a word or starts a specifier, and two paths never share one. */
static void test_names_are_words(void)
{
	static const char words[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\-";
	uint32_t state = 5;

	for (int i = 0; i < 50000; i++) {
		char a[13], b[13];
		_cleanup_free_ char *x = NULL, *y = NULL;

		check_random_string(&state, "a.-\\x2d %\"\xc3\xa4/", 12, a);
		check_random_string(&state, "a.-\\x2d %\"\xc3\xa4/", 12, b);
		for (char *p = strstr(a, "//"); p; p = strstr(a, "//"))
			*p = 'a';
		for (char *p = strstr(b, "//"); p; p = strstr(b, "//"))
			*p = 'a';
		a[0] = b[0] = '/';
		a[1] = b[1] = 'x';
		unit_name_from_path(a, ".mount", &x);
		unit_name_from_path(b, ".mount", &y);
		if (strspn(x, words) != strlen(x) || (strcmp(x, y) == 0) != (strcmp(a, b) == 0)) {
			check.label = a;
			CHECK_STR(x, y);
		}
	}
	CHECK(true);
}

int main(void)
{
	test_paths();
	test_paths_of_units();
	test_length();
	test_mangling();
	test_instance();
	test_devices();
	test_names_are_words();
	return check_done();
}
