/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include "check-plan.h"
#include "plan/claims.h"
#include "plan/unit-name.h"

static void test_links(void)
{
	static const struct link_fact links[] = {
		{ "/home", "/usr/home", PATH_DIRECTORY },
		{ "/bad", "/run/x", PATH_DIRECTORY },
		{ "/loop", "/loop", PATH_UNKNOWN },
		{ "/odd", "/srv/a b", PATH_DIRECTORY },
		{ "/file", "/file", PATH_OTHER },
		{ "/none", "/none", PATH_MISSING },
		{ NULL, NULL, PATH_MISSING },
	};
	_cleanup_model_ struct model m = { 0 };

	check_plan(
		&m,
		"[Overlay /home]\n[Overlay /usr/home]\n[Overlay /bad]\n[Overlay /loop]\n[Overlay /odd]\n"
		"[Overlay /file]\n[Overlay /none]\n",
		links,
		F
		":3: [Overlay /run/x]: /proc, /sys, /dev, /run and /rofs are reserved; expected another path\n" F
		":3: note: /bad is a symbolic link, or below one, and resolves to /run/x\n" F
		":4: [Overlay /loop]: the path cannot be resolved: Too many levels of symbolic links\n" F
		":5: [Overlay /srv/a b]: the path of an overlay may not contain blanks or any of , : \\ \" % ', or be "
		"longer than 200 bytes; the kernel and mount(8) would misread it\n" F
		":5: note: /odd is a symbolic link, or below one, and resolves to /srv/a b\n" F
		":2: [Overlay /usr/home]: this is the same directory as /home, through a symbolic link; the first declaration "
		"applies\n" F ":1: note: first declared here\n" F
		":6: [Overlay /file] is not a directory\n" F
		":7: [Overlay /none]: there is no such directory on the root file system\n");
	CHECK_INT(m.plan.n_overlays, 1);
	CHECK_STR(m.plan.overlays[0].path, "/usr/home");
	CHECK_STR(m.plan.overlays[0].lower, "/rofs/ro/usr/home");
	CHECK_STR(m.plan.overlays[0].bind_unit, "usr-home.mount");
	CHECK_STR(m.plan.overlays[0].merged_unit, "rofs-overlay-usr-home.mount");
}

static void test_start_empty(void)
{
	static const struct link_fact links[] = {
		{ "/home", "/var/home", PATH_DIRECTORY },
		{ NULL, NULL, PATH_MISSING },
	};
	static const struct {
		const char *path;
		bool expected;
	} rows[] = {
		{ "/var/home/a", true },   { "/var/home/b/c", true }, { "/var/home/d", true },
		{ "/var/home", false },	   { "/var/home/b", false },  { "/var/home/a/x", false },
		{ "/var/home/ab", false }, { "/home/a", false },      { "/var", false },
	};
	_cleanup_model_ struct model m = { 0 };

	/* As rofs-prepare reads it: blanks, doubled slashes, and both spellings of the path. */
	check_plan(&m, "[Overlay /home]\nStartEmpty=/home/a  /home//b/c/ /var/home/d\n", links, "");
	CHECK_INT(m.plan.n_overlays, 1);
	CHECK_EACH(row, rows)
	{
		check.label = row->path;
		CHECK_INT(plan_overlay_starts_empty(&m.plan.overlays[0], row->path), row->expected);
	}
	check.label = NULL;
}

static void test_layers(void)
{
	_cleanup_model_ struct model m = { 0 };

	check_plan(
		&m,
		DATA
		"[Overlay /srv]\nSize=8M\n[Overlay /var]\n[Overlay /etc]\nPartition=data\n[Overlay /opt]\n"
		"Partition=data\nDirectory=/x/y\n",
		NULL, "");
	/* Ordered by path, whatever the order of the declarations. */
	CHECK_INT(m.plan.n_overlays, 4);
	CHECK_STR(m.plan.overlays[0].layers, "/rofs/persist/data/overlay/etc");
	CHECK(m.plan.overlays[0].on_partition);
	CHECK_STR(m.plan.overlays[1].layers, "/rofs/persist/data/x/y");
	CHECK_STR(m.plan.overlays[2].layers, "/rofs/rw/srv");
	CHECK_STR(m.plan.overlays[3].layers, "/rofs/rw/var");
	CHECK_INT(m.plan.n_pools, 2);
	CHECK_STR(m.plan.pools[0].unit, "rofs.mount");
	CHECK_STR(m.plan.pools[1].unit, "rofs-rw-srv.mount");
	CHECK_INT(m.plan.pools[1].size.bytes, 8 << 20);
	/* One for all in RAM, one for the partition. */
	CHECK_INT(m.plan.n_runs, 2);
	CHECK_INT(m.plan.early_mounts, 1);
	CHECK_INT(m.plan.runs[0].kind, RUN_PARTITION);
	CHECK_STR(m.plan.runs[0].subject, "data");
	CHECK_STR(m.plan.runs[0].dir, "/rofs/persist/data");
	CHECK_INT(m.plan.runs[0].overlays.n, 2);
	CHECK_INT(m.plan.runs[0].overlays.list[1], 1);
	CHECK_INT(m.plan.runs[1].kind, RUN_RAM);
	CHECK_INT(m.plan.runs[1].overlays.n, 2);
	CHECK_INT(m.plan.runs[1].overlays.list[0], 2);
	CHECK(plan_find_run(&m.plan, RUN_RAM, NULL) == &m.plan.runs[1]);
	CHECK(plan_find_run(&m.plan, RUN_PARTITION, "data") == &m.plan.runs[0]);
	CHECK(plan_find_run(&m.plan, RUN_PARTITION, "date") == NULL);
	CHECK(plan_find_run(&m.plan, RUN_OVERLAY, "/srv") == NULL);
}

/* The directories in RAM are as deep as the paths. */
static void test_pools_are_those_of_the_overlay_above(void)
{
	static const struct {
		const char *path, *pool;
	} rows[] = {
		{ "/a", "/rofs" },
		{ "/a/b", "/rofs/rw/a/b" },
		{ "/a/b/c", "/rofs/rw/a/b" },
		{ "/a/b/c/d", "/rofs/rw/a/b/c/d" },
		{ "/a/b/e", "/rofs/rw/a/b" },
		{ "/a/b/e/f", "/rofs/rw/a/b" },
		{ "/a/bc", "/rofs" },
	};
	_cleanup_model_ struct model m = { 0 };

	check_plan(
		&m,
		"[Overlay /a]\n[Overlay /a/b]\nSize=1M\n[Overlay /a/b/c]\n[Overlay /a/b/c/d]\nSize=1M\n"
		"[Overlay /a/b/e]\nPartition=p\n[Overlay /a/b/e/f]\n[Overlay /a/bc]\n"
		"[Partition p]\nDevice=/dev/p\n",
		NULL, "");
	CHECK_INT(m.plan.n_overlays, ELEMENTSOF(rows));
	CHECK_EACH(row, rows)
	{
		check.label = row->path;
		CHECK_STR(m.plan.overlays[row - rows].path, row->path);
		CHECK_STR(m.plan.overlays[row - rows].pool, row->pool);
	}
	check.label = NULL;
}

static void test_fstab(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(
		model_read(
			&m,
			"[Overlay /home]\n[Overlay /var]\n[Overlay /srv/a]\n[Root]\nReadOnly=no\n"),
		0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "/dev/sda1", "/", "ext4", "rw");
	model_add_fstab(&m, "UUID=x", "/home", "ext4", "rw,noatime,x-systemd.device-timeout=7s");
	model_add_fstab(&m, "/dev/sda3", "/var/log", "ext4", "defaults");
	model_add_fstab(&m, "/dev/sda4", "/srv", "ext4", "defaults");
	model_add_fstab(&m, "/dev/sda5", "none", "swap", "sw");
	model_add_fstab(&m, "/dev/zram0", "none", "swap", "sw");
	model_add_fstab(&m, "/swap//file", "none", "swap", "sw");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(m.diag.n_entries, 0);

	CHECK_INT(m.plan.n_remounts, 0);
	CHECK_INT(m.plan.n_lowers, 2);
	CHECK_STR(m.plan.lowers[0].where, "/rofs/ro/home");
	CHECK(!m.plan.lowers[0].bind);
	CHECK_STR(m.plan.lowers[0].device_path, "/dev/disk/by-uuid/x");
	CHECK_STR(m.plan.lowers[0].options, "ro,noatime");
	CHECK_STR(m.plan.lowers[0].fsck_unit, "systemd-fsck@dev-disk-by\\x2duuid-x.service");
	CHECK_INT(m.plan.lowers[0].timeout_usec, 7000000);
	/* Not on an overlaid path: fstab mounts it, and it is bound from there. */
	CHECK_STR(m.plan.lowers[1].where, "/rofs/ro/srv");
	CHECK(m.plan.lowers[1].bind);
	CHECK_INT(m.plan.n_swaps, 2);
	CHECK_STR(m.plan.swaps[0], "dev-sda5.swap");
	CHECK_STR(m.plan.swaps[1], "swap-file.swap");
}

/* A name that is too long for a unit costs its own section, never the others. */
static void check_long_name(const char *path, const char *size, const char *device)
{
	_cleanup_model_ struct model m = { 0 };
	char text[1024];

	snprintf(text, sizeof(text), "[Overlay /var]\n[Overlay %s]\n%s\n", path, size);
	CHECK_INT(model_read(&m, text), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	if (device)
		model_add_fstab(&m, device, path, "ext4", "defaults");
	CHECK_INT(model_plan(&m), 0);
	if (m.plan.n_overlays < 1 ||
	    strcmp(m.plan.overlays[m.plan.n_overlays - 1].path, "/var") != 0)
		CHECK_STR("the overlay on /var is gone", path);
}

static void test_long_names(void)
{
	char path[256] = "/", device[512] = "/dev/";

	/* Each dash is four letters of a unit name. */
	for (size_t dashes = 50; dashes < 62; dashes++)
		for (size_t letters = 0; letters < 4; letters++) {
			memset(path + 1, '-', dashes);
			memset(path + 1 + dashes, 'a', letters);
			path[1 + dashes + letters] = '\0';
			check.label = path;
			check_long_name(path, "", NULL);
			check_long_name(path, "Size=1M", NULL);
			check_long_name(path, "", "/dev/sda3");
		}
	for (size_t n = 200; n < 300; n++) {
		memset(device + 5, 'd', n);
		device[5 + n] = '\0';
		check.label = device;
		check_long_name("/home", "", device);
	}
	check.label = NULL;
}

static void test_long_partition_names(void)
{
	for (size_t dashes = 40; dashes < 64; dashes++) {
		_cleanup_model_ struct model m = { 0 };
		char name[66] = "p", text[512];

		memset(name + 1, '-', dashes);
		name[1 + dashes] = '\0';
		snprintf(
			text, sizeof(text),
			"[Overlay /var]\n[Partition %s]\nDevice=LABEL=x\n[Persist /p]\nPartition=%s\n"
			"Directory=/d\n",
			name, name);
		check.label = text;
		CHECK_INT(model_read(&m, text), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(m.plan.n_overlays, 1);
	}
	check.label = NULL;
}

/* What a partition's Directory= holds becomes part of mount options, as an overlay's path does. */
static void test_directory_of_an_overlay(void)
{
	static const char *const bad[] = {
		"/a,lowerdir=/etc", "/a:b", "/a\\b", "/a\"b", "/a b", "/a%b", "/a'b"
	};

	CHECK_EACH(row, bad)
	{
		_cleanup_model_ struct model m = { 0 };
		char text[256];

		snprintf(text, sizeof(text), DATA "[Overlay /v]\nPartition=data\nDirectory=%s\n",
			 *row);
		check.label = *row;
		CHECK_INT(model_read(&m, text), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(m.plan.n_overlays, 0);
		CHECK(m.diag.n_errors > 0);
	}
	check.label = NULL;
}

/* Two overlays in one upper directory: undefined behaviour, says the kernel. */
static void test_overlays_share_no_directory(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(model_read(&m, DATA "[Overlay /a]\nPartition=data\nDirectory=/x\n"
				      "[Overlay /b]\nPartition=data\nDirectory=/x\n"),
		  0);
	CHECK_INT(model_look(&m, NULL), 0);
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(m.plan.n_overlays, 1);
	CHECK_INT(m.diag.n_errors, 1);
}

/* /rofs/rw/var/upper is where the changes to /var are, and cannot be the place for those to /var/upper. */
static void test_layers_do_not_collide(void)
{
	static const char *const rows[] = { "/var/upper", "/var/work", "/var/upper/x",
					    "/var/work/y/z" };

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		char text[128];

		snprintf(text, sizeof(text), "[Overlay /var]\n[Overlay %s]\nSize=1M\n", *row);
		check.label = text;
		CHECK_INT(model_read(&m, text), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		CHECK_INT(model_plan(&m), 0);
		CHECK(m.plan.n_overlays > 0);
		for (size_t i = 1; i < m.plan.n_overlays; i++) {
			CHECK(strncmp(m.plan.overlays[i].layers, "/rofs/rw/var/upper", 18) != 0);
			CHECK(strncmp(m.plan.overlays[i].layers, "/rofs/rw/var/work", 17) != 0);
		}
	}
	check.label = NULL;
}

static void test_tmp(void)
{
	static const struct {
		const char *text;
		bool plain, wanted, expected;
		const char *fstab;
	} rows[] = {
		{ "[Root]\n", true, false, true, NULL },
		{ "[Root]\nTmp=no\n", true, false, false, NULL },
		{ "[Root]\n", false, false, false, NULL },
		{ "[Root]\n", true, true, false, NULL },
		{ "[Overlay /tmp]\n", true, false, false, NULL },
		{ "[Root]\n", true, false, false, "/tmp" },
		{ "[Overlay /tmp/a]\n", true, false, true, NULL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		check.label = row->text;
		CHECK_INT(model_read(&m, row->text), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		m.facts.tmp_is_plain = row->plain;
		m.facts.tmp_unit_wanted = row->wanted;
		if (row->fstab)
			model_add_fstab(&m, "tmpfs", row->fstab, "tmpfs", "defaults");
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(m.plan.tmp, row->expected);
	}
	check.label = NULL;
}

/* The directory of the link that is masked could not be made: that is no reason to protect nothing. */
static void test_mask_with_a_long_name_is_left_out(void)
{
	_cleanup_model_ struct model m = { 0 };
	char path[UNIT_NAME_BYTES_MAX], text[512];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[UNIT_NAME_BYTES_MAX - strlen(".mount")] = '\0';
	snprintf(text, sizeof(text), DATA "[Persist %s]\nPartition=data\n", path);
	CHECK_INT(model_read(&m, text), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "/dev/x", path, "ext4", "x-systemd.growfs");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(m.plan.n_persists, 1);
	for (size_t i = 0; i < m.plan.n_masks; i++)
		CHECK(strcspn(m.plan.masks[i], "/") <= UNIT_LINK_DIR_BYTES_MAX);
}

static void test_kernel_versions(void)
{
	static const struct {
		unsigned major, minor;
		const char *expected, *kept;
	} rows[] = {
		{ 0, 0, "index=off,metacopy=off,redirect_dir=off,xino=off",
		  "index=off,metacopy=off,redirect_dir=nofollow,xino=off" },
		{ 6, 1, "index=off,metacopy=off,redirect_dir=off,xino=off",
		  "index=off,metacopy=off,redirect_dir=nofollow,xino=off" },
		{ 4, 19, "index=off,metacopy=off,redirect_dir=off,xino=off",
		  "index=off,metacopy=off,redirect_dir=nofollow,xino=off" },
		{ 4, 18, "index=off,redirect_dir=off,xino=off",
		  "index=off,redirect_dir=nofollow,xino=off" },
		{ 4, 13, "index=off,redirect_dir=off", "index=off" },
		{ 4, 9, "", "" },
		{ 3, 18, "", "" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		CHECK_INT(model_read(&m, "[Overlay /a]\n"), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		m.facts.kernel_major = row->major;
		m.facts.kernel_minor = row->minor;
		CHECK_INT(model_plan(&m), 0);
		CHECK_STR(m.plan.overlay_options, row->expected);
		CHECK_STR(m.plan.kept_options, row->kept);
	}
}

static void test_claims(void)
{
	_cleanup_model_ struct model m = { 0 };
	_cleanup_free_ struct claim *claims = NULL;
	const bool none[4] = { false };
	size_t n;

	CHECK_INT(model_read(&m, "[Overlay /b]\n[Overlay /a/b]\n[Overlay /a-b]\n[Overlay /a]\n"),
		  0);
	CHECK_INT(model_look(&m, NULL), 0);
	CHECK_INT(claims_build(&m.conf, &m.facts, none, &m.diag, &claims, &n), 0);
	CHECK_INT(n, 4);
	CHECK_STR(claims[0].section->name, "/a");
	CHECK_STR(claims[1].section->name, "/a/b");
	CHECK_STR(claims[2].section->name, "/a-b");
	CHECK_STR(claims[3].section->name, "/b");
	CHECK(claims[1].above == &claims[0]);
	CHECK(claims[2].above == NULL);
	CHECK(claims_find(claims, n, "/a-b") == &claims[2]);
	CHECK(claims_find(claims, n, "/a-") == NULL);
}

/* The order of the declarations does not matter, and planning twice gives the same. */
static void test_order_does_not_matter(void)
{
	_cleanup_model_ struct model a = { 0 }, b = { 0 };

	CHECK_INT(model_read(&a, "[Overlay /a]\n[Overlay /b]\n[Overlay /a/c]\n"), 0);
	CHECK_INT(model_read(&b, "[Overlay /a/c]\n[Overlay /b]\n[Overlay /a]\n"), 0);
	CHECK_INT(model_look(&a, NULL) + model_plan(&a) + model_look(&b, NULL) + model_plan(&b), 0);
	CHECK_INT(a.plan.n_overlays, b.plan.n_overlays);
	for (size_t i = 0; i < a.plan.n_overlays; i++)
		CHECK_STR(a.plan.overlays[i].path, b.plan.overlays[i].path);
}

int main(void)
{
	test_links();
	test_start_empty();
	test_layers();
	test_pools_are_those_of_the_overlay_above();
	test_fstab();
	test_long_names();
	test_long_partition_names();
	test_directory_of_an_overlay();
	test_overlays_share_no_directory();
	test_layers_do_not_collide();
	test_tmp();
	test_mask_with_a_long_name_is_left_out();
	test_kernel_versions();
	test_claims();
	test_order_does_not_matter();
	return check_done();
}
