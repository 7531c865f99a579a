/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include "check.h"
#include "model.h"
#include "plan/unit-name.h"
#include "plan/claims.h"

#define DATA "[Partition data]\nDevice=LABEL=data\n"
#define VFAT "[Partition data]\nDevice=LABEL=data\nType=vfat\n"

static void check_plan(struct model *m, const char *text, const struct link_fact *links,
		       const char *expected)
{
	_cleanup_free_ char *seen = NULL;

	check.label = text;
	CHECK_INT(model_read(m, text), 0);
	CHECK_INT(model_look(m, links), 0);
	CHECK_INT(model_plan(m), 0);
	seen = model_messages(m);
	CHECK_STR(seen, expected);
	check.label = NULL;
}

#define F "/etc/rofs.conf"

static void test_contradictions(void)
{
	static const struct {
		const char *text, *expected;
		size_t n_overlays, n_persists;
	} rows[] = {
		{ "[Overlay /var]\n[Overlay /var/lib]\n", "", 2, 0 },
		{ "[Overlay /var]\n" DATA "[Persist /var/x]\nPartition=data\n", "", 1, 1 },
		{ DATA "[Persist /a]\nPartition=data\n[Overlay /a/b]\n",
		  F
		  ":5: [Overlay /a/b] is below [Persist /a]; nothing may be declared below a persist\n" F
		  ":3: note: the persist is declared here\n",
		  0, 1 },
		{ DATA
		  "[Persist /a/b]\nPartition=data\nDirectory=/b\n[Persist /a]\nPartition=data\nDirectory=/a\n",
		  F
		  ":3: [Persist /a/b] is below [Persist /a]; nothing may be declared below a persist\n" F
		  ":6: note: the persist is declared here\n",
		  0, 1 },
		{ "[Overlay /a]\n" DATA "[Persist /a]\nPartition=data\n",
		  F
		  ":4: [Persist /a]: this path is declared twice; the first declaration applies\n" F
		  ":1: note: first declared here\n",
		  1, 0 },
		{ "[Partition one]\nDevice=LABEL=a\n[Partition two]\nDevice=LABEL=b\n[Overlay /a]\nSize=x\n",
		  F
		  ":6: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		  ":1: warning: [Partition one]: no [Persist] or [Overlay] uses it, so it is not mounted\n" F
		  ":3: warning: [Partition two]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ DATA "[Persist /a\nPartition=data\n",
		  F
		  ":3: section header without ']'; expected [Kind name]; the settings below it are ignored\n",
		  0, 0 },
		{ DATA "[Persist a]\nPartition=data\n", F ":3: [Persist a]: not an absolute path\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition data\n",
		  F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":3: note: [Persist /a] is ignored because of line 4\n",
		  0, 0 },
		/* What only follows from another mistake is not told. */
		{ DATA "[Overlay /a]\nPartition data\n",
		  F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":3: note: [Overlay /a] is ignored because of line 4\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nPartition=dat2\n",
		  F ":7: Partition= is set twice in this section\n" F ":6: note: first set here\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Overlay /a]\nSize=x\nPartition=data\nPartition=dat2\n",
		  F ":6: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		    ":8: Partition= is set twice in this section\n" F ":7: note: first set here\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nDirectory=/a\n"
		  "Persist /b]\nPartition=dat2\nDirectory=/b\n",
		  F
		  ":8: missing '='; expected Key=value, [Section] or a comment; the settings below it are ignored\n" F
		  ":5: note: [Persist /a] is ignored because of line 8\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nDirectory=/a\n"
		  "Persist /b\nPartition=dat2\nDirectory=/b\n",
		  F ":8: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":5: note: [Persist /a] is ignored because of line 8\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Overlay /a]\nPartition=data\nDirectory=/a\n"
		  "[Overlay /a]\nPartition=dat2\nDirectory=/b\nSize=x\n",
		  F
		  ":8: [Overlay /a] is declared twice in this file, so it is ignored; expected one section with all its keys\n" F
		  ":5: note: first declared here\n" F
		  ":11: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n",
		  0, 0 },
		/* The header of a partition that cannot be read is better advice than a similar name. */
		{ "[Partition data\nDevice=LABEL=data\n[Partition date]\nDevice=LABEL=date\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F
		  ":1: section header without ']'; expected [Kind name]; the settings below it are ignored\n" F
		  ":6: [Persist /a]: there is no [Partition data]\n" F
		  ":1: note: this line may be meant as its header\n",
		  0, 1 },
		{ "[Partiton data]\nDevice=LABEL=data\n[Partition date]\nDevice=LABEL=date\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F ":1: unknown section [Partiton]; did you mean [Partition]?\n" F
		    ":6: [Persist /a]: there is no [Partition data]\n" F
		    ":1: note: this line may be meant as its header\n",
		  0, 1 },
		{ "[Partition=data]\nDevice=LABEL=data\n[Persist /a]\nPartition=data\n",
		  F ":1: unknown section [Partition=data]; did you mean [Partition data]?\n" F
		    ":4: [Persist /a]: there is no [Partition data]\n" F
		    ":1: note: this line may be meant as its header\n",
		  0, 0 },
		{ "[Partition date]\nDevice=LABEL=date\n Partition data]\nDevice=LABEL=data\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F
		  ":3: missing '='; expected Key=value, [Section] or a comment; the settings below it are ignored\n" F
		  ":1: note: [Partition date] is ignored because of line 3\n" F
		  ":6: [Persist /a]: there is no [Partition data]\n" F
		  ":3: note: this line may be meant as its header\n" F
		  ":8: [Persist /b] is ignored too: it requires [Partition date], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Overlay /a\nno\n",
		  F
		  ":3: section header without ']'; expected [Kind name]; the settings below it are ignored\n" F
		  ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		  ":1: warning: [Partition data]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartiton=data\n",
		  F ":4: unknown key Partiton= in [Persist]; did you mean Partition=?\n", 0, 0 },
		{ DATA "[Persist /a]\nPartition=x\n",
		  F
		  ":4: [Persist /a]: there is no [Partition x]\n" F
		  ":1: warning: [Partition data]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ "[Persist /a]\nPartition=dat\n" DATA,
		  F ":2: [Persist /a]: there is no [Partition dat]; did you mean data?\n", 0, 0 },
		{ "[Partition d]\n[Persist /a]\nPartition=d\n",
		  F
		  ":1: [Partition d] has no Device=; expected /dev/..., LABEL=, UUID=, ...\n" F
		  ":3: [Persist /a] is ignored too: it requires [Partition d], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=data\n",
		  F
		  ":3: [Persist /a]: Directory= is required, as [Persist /b] also uses [Partition data]\n" F
		  ":6: note: used here\n" F
		  ":5: [Persist /b]: Directory= is required, as [Persist /a] also uses [Partition data]\n" F
		  ":4: note: used here\n",
		  0, 0 },
		/* A mistake in one section does not give the partition to the other. */
		{ DATA "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=data\nMode=x\n",
		  F
		  ":7: Mode=x is invalid; expected an octal mode such as 0750\n" F
		  ":3: [Persist /a]: Directory= is required, as [Persist /b] also uses [Partition data]\n" F
		  ":6: note: used here\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\n[Overlay /b]\nPartition=data\nSize=1M\n",
		  F
		  ":3: [Persist /a]: Directory= is required, as [Overlay /b] also uses [Partition data]\n" F
		  ":6: note: used here\n" F
		  ":7: [Overlay /b]: Size= and Partition= cannot be combined; a partition has its own size\n",
		  0, 0 },
		{ DATA
		  "[Persist /b]\nPartition=data\nDirectory=/app/cron\n[Persist /a]\nPartition=data\nDirectory=/app\n",
		  F
		  ":5: [Persist /b]: its directory on the partition, /app/cron, is below /app of [Persist /a]; "
		  "expected directories that do not contain each other\n" F ":8: note: used here\n",
		  0, 1 },
		{ DATA
		  "[Overlay /a]\nPartition=data\n[Persist /b]\nPartition=data\nDirectory=/overlay/a/upper/x\n",
		  F
		  ":7: [Persist /b]: its directory on the partition, /overlay/a/upper/x, is below /overlay/a of "
		  "[Overlay /a]; expected directories that do not contain each other\n" F
		  ":3: note: used here\n",
		  1, 0 },
		{ DATA "[Overlay /a]\nPartition=data\n[Persist /b]\nPartition=data\nDirectory=/\n",
		  F
		  ":3: [Overlay /a]: its directory on the partition, /overlay/a, is below / of [Persist /b]; "
		  "expected directories that do not contain each other\n" F ":7: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/Data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/data\n",
		  F
		  ":9: [Persist /b]: [Persist /a] uses the same directory on the partition; expected another "
		  "Directory=\n" F ":6: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/DATA/sub\n",
		  F
		  ":9: [Persist /b]: its directory on the partition, /DATA/sub, is below /data of "
		  "[Persist /a]; expected directories that do not contain each other\n" F
		  ":6: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/a/.ROFS-new\n",
		  F
		  ":6: [Persist /a]: its directory on the partition would be /a/.ROFS-new, but rofs uses the "
		  "name .rofs-new itself; expected another Directory=\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/Data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/data\n",
		  "", 0, 2 },
		{ DATA "[Overlay /a]\nPartition=data\nSize=1M\n",
		  F
		  ":5: [Overlay /a]: Size= and Partition= cannot be combined; a partition has its own size\n",
		  0, 0 },
		{ "[Overlay /a]\nDirectory=/x\n",
		  F
		  ":2: [Overlay /a] has Directory= without Partition=; expected the name of a [Partition]\n",
		  0, 0 },
		{ "[Overlay /a]\nStartEmpty=/b/c\n",
		  F ":2: [Overlay /a]: StartEmpty= directory /b/c is not below it\n", 0, 0 },
		{ "[Overlay /a]\nStartEmpty=/a\n",
		  F ":2: [Overlay /a]: StartEmpty= directory /a is not below it\n", 0, 0 },
		{ "[Partition data]\nDevice=LABEL=data\nFormat=yes\n[Persist /a]\nPartition=data\n",
		  F
		  ":3: [Partition data]: Format=yes without Type=; expected the type of file system to create\n" F
		  ":5: [Persist /a] is ignored too: it requires [Partition data], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Overlay /a]\nPartition=data\nStartEmpty=/a/b\n",
		  F
		  ":5: [Overlay /a]: StartEmpty= and Partition= cannot be combined; each boot would delete files "
		  "from the partition\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nKind=file\n",
		  F
		  ":5: [Persist /a]: Kind=file requires a Directory= that names the file on the partition\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nPopulate=yes\n",
		  F ":5: [Persist /a]: Populate=yes requires a Directory= other than /\n", 0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/a\nPopulate=yes\n", "", 0, 1 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/a/.rofs-new\n",
		  F
		  ":5: Directory=/a/.rofs-new is invalid; expected a name other than .rofs-new, which rofs "
		  "uses itself\n",
		  0, 0 },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		check_plan(&m, row->text, NULL, row->expected);
		check.label = row->text;
		CHECK_INT(m.plan.n_overlays, row->n_overlays);
		CHECK_INT(m.plan.n_persists, row->n_persists);
	}
	check.label = NULL;
}

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

static void test_bad_sections_fall_back_to_defaults(void)
{
	_cleanup_model_ struct model m = { 0 };

	check_plan(&m,
		   "[Root]\nReadOnly=no\nTmp=no\nx\n[Memory]\nSize=5M\nInodes=0\n[Overlay /a]\n",
		   NULL,
		   F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		     ":1: note: [Root] is ignored because of line 4; its defaults apply\n" F
		     ":7: Inodes=0 is invalid; expected a number above 0, with K, M or G\n");
	CHECK_INT(m.plan.n_remounts, 1);
	CHECK(m.plan.tmp);
	CHECK_INT(m.plan.pools[0].size.percent, 50);
	CHECK_INT(m.plan.pools[0].size.bytes, 0);
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

static void plan_on_full_system(struct model *m, const char *text, const struct link_fact *links)
{
	CHECK_INT(model_read(m, text), 0);
	CHECK_INT(model_look(m, links), 0);
	model_add_fstab(m, "LABEL=srv", "/srv", "ext4", "defaults");
	model_add_fstab(m, "LABEL=fs", "/fs", "ext4", "defaults");
	model_add_fstab(m, "/fs/swap", "none", "swap", "sw");
	CHECK_INT(model_plan(m), 0);
	CHECK_INT(model_render(m), 0);
}

/* Does a unit say the same but for the line that it came from? */
static bool is_same_text(const char *a, const char *b)
{
	if (strncmp(a, "# Generated", 11) == 0)
		a = strchrnul(a, '\n');
	if (strncmp(b, "# Generated", 11) == 0)
		b = strchrnul(b, '\n');
	return strcmp(a, b) == 0;
}

static void check_same_units(const struct model *a, const struct model *b)
{
	CHECK_INT(a->set.n_files, b->set.n_files);
	for (size_t i = 0; i < a->set.n_files; i++) {
		const char *text = model_unit(b, a->set.files[i].name);

		if (!text || !is_same_text(a->set.files[i].text, text))
			CHECK_STR(a->set.files[i].name, text ? "another text" : "not there");
	}
}

/* The reason is an overlay that is left out, by its own mistake or by what is at its path. */
static void test_persist_below_an_overlay_that_is_left_out(void)
{
	static const struct link_fact links[] = {
		{ "/a/b", "/a/b", PATH_MISSING },	{ "/none", "/none", PATH_MISSING },
		{ "/none/b", "/none/b", PATH_MISSING }, { "/c/d", "/c/d", PATH_MISSING },
		{ NULL, NULL, PATH_MISSING },
	};
	_cleanup_model_ struct model m = { 0 };

	check_plan(
		&m,
		"[Overlay /a]\nSize=x\n[Overlay /none]\n" DATA
		"[Persist /a/b]\nPartition=data\nDirectory=/1\n[Persist /none/b]\nPartition=data\nDirectory=/2\n[Persist /c/d]\nPartition=data\nDirectory=/3\n",
		links,
		F
		":2: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		":3: [Overlay /none]: there is no such directory on the root file system\n" F
		":6: [Persist /a/b] is ignored too: its mount point cannot be created without [Overlay /a]\n" F
		":12: [Persist /c/d]: there is no such directory on the root file system, and no overlay above it in which to create it\n" F
		":9: [Persist /none/b] is ignored too: its mount point cannot be created without [Overlay /none]\n");
}

/* What is refused when others have been planned already leaves no trace in them. */
static void test_left_out_is_as_if_not_written(void)
{
	static const struct link_fact links[] = {
		{ "/none", "/none", PATH_MISSING },	{ "/p", "/p", PATH_MISSING },
		{ "/none/x", "/none/x", PATH_MISSING }, { "/alias", "/a", PATH_DIRECTORY },
		{ NULL, NULL, PATH_MISSING },
	};
	static const struct {
		const char *mistake, *rest;
	} rows[] = {
		/* The lower of the other one: bound, since fstab mounts it as ever. */
		{ "[Overlay /srv]\nStartEmpty=/x\n", "[Overlay /srv/a]\n" },
		{ "[Overlay /srv]\nDirectory=/x\n", "[Overlay /srv/a]\n" },
		{ "[Persist /srv]\nPartition=data\nDirectory=/s\nKind=file\nPopulate=yes\n"
		  "Partition=no\n",
		  DATA "[Overlay /srv/a]\n" },
		/* What was below a persist, or the same path twice. */
		{ "[Persist /p]\nPartition=data\nDirectory=/p\n",
		  DATA "[Overlay /p/a]\n[Persist /b]\nPartition=data\nDirectory=/p\n" },
		{ "[Persist /a]\nPartition=data\nPopulate=yes\nDirectory=/\n",
		  DATA "[Overlay /a/b]\n[Persist /c]\nPartition=data\nDirectory=/c\n" },
		{ "[Overlay /a]\nStartEmpty=/b\n", "[Overlay /alias]\n" },
		{ "[Overlay /a]\nStartEmpty=/b\n", DATA "[Persist /alias]\nPartition=data\n" },
		/* The directory on the partition. */
		{ "[Overlay /none]\nPartition=data\nDirectory=/x\n",
		  DATA "[Overlay /b]\nPartition=data\nDirectory=/x\n" },
		{ "[Overlay /none]\nPartition=data\nDirectory=/x\n",
		  DATA "[Persist /b]\nPartition=data\nDirectory=/x/y\n" },
		/* One after the other. */
		{ "[Overlay /none]\n[Persist /none/x]\nPartition=data\nDirectory=/x\n",
		  DATA "[Overlay /none/x/y]\n[Overlay /b]\nPartition=data\nDirectory=/x\n" },
		/* What is on the root itself. */
		{ "[Overlay /tmp]\nStartEmpty=/x\n", "[Root]\nSwap=yes\n" },
		{ "[Overlay /fs]\nStartEmpty=/x\n", "[Root]\nSwap=yes\n[Overlay /b]\n" },
		{ "[Overlay /srv]\nPartition=srv\n",
		  "[Partition srv]\nDevice=LABEL=srv\nFormat=yes\n[Overlay /srv/a]\n" },
		{ "[Persist /srv]\nPartition=srv\nMode=x\n",
		  "[Partition srv]\nDevice=LABEL=srv\n[Persist /b]\nPartition=srv\nDirectory=/b\n" },
		{ "[Persist /srv]\nPartition=srv\nKind=file\n",
		  "[Partition srv]\nDevice=LABEL=srv\n[Persist /b]\nPartition=srv\nDirectory=/b\n" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model without = { 0 }, with = { 0 };
		char text[1024];

		check.label = row->mistake;
		snprintf(text, sizeof(text), "%s%s", row->mistake, row->rest);
		plan_on_full_system(&with, text, links);
		plan_on_full_system(&without, row->rest, links);
		CHECK(with.diag.n_errors > without.diag.n_errors);
		check_same_units(&with, &without);
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
	test_contradictions();
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
	test_bad_sections_fall_back_to_defaults();
	test_tmp();
	test_persist_below_an_overlay_that_is_left_out();
	test_left_out_is_as_if_not_written();
	test_mask_with_a_long_name_is_left_out();
	test_kernel_versions();
	test_claims();
	test_order_does_not_matter();
	return check_done();
}
