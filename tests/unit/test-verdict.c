/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "check.h"
#include "verdict/verdict-text.h"
#include "world.h"

static void test_healthy(void)
{
	_cleanup_(world_done) struct world w;
	_cleanup_free_ char *motd = NULL;

	world_prepare(&w, world_conf, world_healthy);
	w.observed.storages[0].usage = (struct usage){
		.known = true, .size = 235 << 20, .used = 12 << 20, .available = 223 << 20
	};
	world_judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
	CHECK_INT(w.verdict.problems.n, 0);
	world_check_line(
		&w, "protected: / read-only, /etc /var in RAM (12 MiB of 235 MiB), /srv in RAM, "
		    "/var/local/data on /dev/vdb");
	CHECK_INT(verdict_motd(&w.verdict, &w.model.plan, &motd), 0);
	CHECK_STR(motd, "changes to /etc /srv /var are lost at power-off; see rofs diff\n");
}

/* Each row breaks one thing of the healthy machine: what is unmounted, then what is mounted. */
static void test_one_thing_missing(void)
{
	static const struct {
		const char *label;
		const char *unmounted;
		const char *mounted;
		const char *problem;
		const char *unit; /* the first to be asked for a reason */
		enum problem_kind kind;
		const char *path;
	} rows[] = {
		{ "overlay", "/srv", "", "/srv has no overlay: writes there fail", "srv.mount",
		  PROBLEM_OVERLAY_MISSING, "/srv" },
		{ "covered by a tmpfs", NULL, "20 9 0:50 /srv tmpfs other rw rw\n",
		  "the overlay on /srv is covered: other (tmpfs) is mounted over it, on /srv", NULL,
		  PROBLEM_OVERLAY_COVERED, "/srv" },
		{ "covered by extension images", NULL,
		  "20 9 0:50 /srv overlay confext ro,nosuid,nodev,noexec ro,lowerdir=/x:/srv\n",
		  "extension images (confext) are merged over the overlay on /srv, read-only: writes "
		  "there fail; systemd-confext unmerge removes them",
		  NULL, PROBLEM_OVERLAY_EXTENDED_READ_ONLY, "/srv" },
		{ "persist", "/var/local/data", "",
		  "/var/local/data is not on its partition data (LABEL=data): writes there go to RAM "
		  "with /var and are lost at power-off",
		  "var-local-data.mount", PROBLEM_PERSIST_MISSING, "/var/local/data" },
		{ "persist covered", NULL, "20 14 0:50 /var/local/data tmpfs other rw rw\n",
		  "the persist on /var/local/data is covered: other (tmpfs) is mounted over it, on "
		  "/var/local/data",
		  NULL, PROBLEM_PERSIST_COVERED, "/var/local/data" },
		{ "covered above", NULL, "20 11 0:50 /var/local tmpfs other rw rw\n",
		  "the persist on /var/local/data is covered: other (tmpfs) is mounted over it, on "
		  "/var/local",
		  NULL, PROBLEM_PERSIST_COVERED, "/var/local/data" },
		{ "tmp", "/tmp", "", "/tmp has no tmpfs: writes there fail", "tmp.mount",
		  PROBLEM_TMP_MISSING, "/tmp" },
		{ "lower root", "/rofs/ro", "",
		  "/rofs/ro, the underlying root file system, is not mounted", "rofs-ro.mount",
		  PROBLEM_LOWER_ROOT_MISSING, "/rofs/ro" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		check.label = row->label;
		world_prepare(&w, world_conf, world_healthy);
		if (row->unmounted)
			world_unmount(&w, row->unmounted);
		world_add_mounts(&w.observed, row->mounted);
		world_judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
		CHECK_INT(w.verdict.problems.n_errors, 1);
		CHECK_STR(world_sentence(&w), row->problem);
		CHECK_STR(world_first(&w)->units[0], row->unit);
		CHECK_INT(world_first(&w)->kind, row->kind);
		CHECK_STR(world_first(&w)->path, row->path);
	}
	check.label = NULL;
}

/* Whether /usr can be written to is not said of what extension images are merged with. */
static void test_extension_images_over_usr(void)
{
	static const struct {
		const char *usr, *extension;
		enum problem_kind kind;
	} rows[] = {
		{ "ro", "rw", PROBLEM_NONE },
		{ "ro", "ro", PROBLEM_NONE },
		{ "rw", "ro", PROBLEM_ROOT_WRITABLE },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w = { 0 };
		char table[256];

		CHECK_INT(model_read(&w.model, "[Root]\nTmp=no\n"), 0);
		CHECK_INT(model_look(&w.model, NULL), 0);
		model_add_fstab(&w.model, "/dev/vdc", "/usr", "ext4", "defaults");
		CHECK_INT(model_plan(&w.model), 0);
		snprintf(table, sizeof(table),
			 "1 0 254:0 / ext4 /dev/vda ro ro\n2 1 254:32 /usr ext4 /dev/vdc %s %s\n"
			 "3 2 0:50 /usr overlay sysext %s %s,lowerdir=/x:/usr\n",
			 row->usr, row->usr, row->extension, row->extension);
		world_add_mounts(&w.observed, table);
		world_judge(&w);
		CHECK_INT(world_first(&w)->kind, row->kind);
	}
}

static void test_root_is_writable(void)
{
	static const struct {
		bool mount, fs, other;
		const char *problem;
	} rows[] = {
		{ true, true, false, NULL },
		{ false, true, false, NULL }, /* no write gets through */
		{ false, false, false,
		  "/ is writable: writes to it wear out the flash; mount -o remount,ro / "
		  "makes it read-only again" },
		{ true, false, true,
		  "/ is mounted read-only, but its file system is writable through the mount on /mnt" },
		{ true, false, false,
		  "/ is mounted read-only, but its file system is writable: a process in another "
		  "mount namespace may write to it; mount -o remount,ro / makes it read-only again" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		world_prepare(&w, world_conf, world_healthy);
		world_find(&w, "/")->read_only = row->mount;
		world_find(&w, "/")->fs_read_only = row->fs;
		if (row->other)
			world_add_mounts(&w.observed, "20 1 254:0 /mnt ext4 /dev/vda rw rw\n");
		world_judge(&w);
		CHECK_STR(world_sentence(&w), row->problem);
		CHECK_INT(w.verdict.state, row->problem ? VERDICT_PARTIAL : VERDICT_PROTECTED);
	}
}

/* The superblock of the root is writable for a moment, and no mount that others have. */
static void test_commit_is_running(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_find(&w, "/")->fs_read_only = false;
	w.observed.transactions.running = true;
	world_judge(&w);
	CHECK_STR(world_sentence(&w), "/ is being written to by a commit");
	CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
}

static void test_what_transactions_leave(void)
{
	static const struct {
		struct transactions left;
		const char *kind, *problem;
		enum verdict_state state;
	} rows[] = {
		{ { .kept_bytes = 4096 }, "commit", NULL, VERDICT_PROTECTED },
		{ { .unfinished = true },
		  "commit",
		  "a transaction was interrupted and is not complete: there are old files and new ones "
		  "on flash; a reboot tries again to complete it, and rofs-finish(8) explains what to "
		  "do if it cannot",
		  VERDICT_PARTIAL },
		{ { .next_is_maintenance = true },
		  "commit",
		  "the next boot is a maintenance boot, in which / is writable; rofs maintenance "
		  "--cancel prevents this",
		  VERDICT_PROTECTED },
		{ { .has_written = true },
		  "chroot",
		  "a reboot completes what rofs chroot has written to flash; until then, programs may "
		  "use old files and new ones",
		  VERDICT_PROTECTED },
	};

	CHECK_EACH(row, rows)
	{
		struct observed_transaction one = { .number = 7 };
		_cleanup_(world_done) struct world w;

		snprintf(one.kind, sizeof(one.kind), "%s", row->kind);
		one.needs_reboot = strcmp(row->kind, "commit") != 0;
		world_prepare(&w, world_conf, world_healthy);
		w.observed.transactions = row->left;
		CHECK_INT(transactions_add(&w.observed.transactions, &one), 0);
		world_judge(&w);
		CHECK_STR(world_sentence(&w), row->problem);
		CHECK_INT(w.verdict.state, row->state);
	}
}

static void check_transaction(const struct observed_transaction *found,
			      const struct observed_transaction *expected)
{
	CHECK_INT(found->number, expected->number);
	CHECK_STR(found->kind, expected->kind);
	CHECK_INT(found->needs_reboot, expected->needs_reboot);
	CHECK_INT(found->time, expected->time);
	CHECK_INT(found->bytes, expected->bytes);
	CHECK_INT(found->paths, expected->paths);
}

/* What rofs-verify publishes for ordinary users. */
static void test_transactions_as_text(void)
{
	const struct observed_transaction first = { 3, "commit", false, 1700000000, 12, 2 },
					  second = {
						  4, "chroot", true, 1700000100, UINT64_MAX, 8542
					  };
	_cleanup_(transactions_done) struct transactions t = { .unfinished = true,
							       .next_is_maintenance = true,
							       .has_written = true,
							       .kept_bytes = 99,
							       .kept_changed = { 17, 5 } },
							 back = { 0 };
	char odd[] = "kept x\nnonsense\ncommit 1 0\n\nunfinished?\n";
	_cleanup_free_ char *text = NULL, *again = NULL;

	CHECK_INT(transactions_add(&t, &first), 0);
	CHECK_INT(transactions_add(&t, &second), 0);
	CHECK_INT(transactions_format(&t, &text), 0);
	again = strdup(text);
	CHECK_INT(transactions_parse(again, &back), 0);
	CHECK(back.known && back.unfinished && back.next_is_maintenance && back.has_written);
	CHECK_INT(back.kept_bytes, 99);
	CHECK_INT(back.kept_changed.tv_sec, 17);
	CHECK_INT(back.kept_changed.tv_nsec, 5);
	CHECK_INT(back.n, 2);
	check_transaction(&back.list[0], &first);
	check_transaction(&back.list[1], &second);
	CHECK(transactions_pending(&back) == &back.list[1]);
	transactions_done(&back);

	CHECK_INT(transactions_parse(odd, &back), 0);
	CHECK(back.known && !back.unfinished && back.n == 0 && back.kept_bytes == 0);
}

static void test_maintenance_boot(void)
{
	for (int stays = 0; stays < 2; stays++) {
		_cleanup_verdict_ struct verdict v = { 0 };
		_cleanup_free_ char *motd = NULL;

		CHECK_INT(verdict_maintenance(stays, &v), 0);
		CHECK_INT(v.state, VERDICT_OFF);
		CHECK_INT(v.problems.n_errors, stays);
		CHECK_INT(verdict_motd_maintenance(&v.problems, &motd), 0);
		CHECK_STR(
			motd,
			stays ? "rofs: this is a maintenance boot: / is writable, and changes are "
				"permanent\nrofs: /rofs/maintenance still exists: until it is "
				"removed, each boot is a maintenance boot, in which / is writable\n" :
				"rofs: this is a maintenance boot: / is writable, and changes are "
				"permanent; the next boot is protected again\n");
	}
}

/* Such as subvolumes of btrfs. */
static void test_all_writable_mounts_are_named(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_find(&w, "/")->fs_read_only = false;
	world_add_mounts(&w.observed, "20 1 254:0 /.snapshots ext4 /dev/vda[/@snapshots] rw rw\n"
				      "21 1 254:0 /mnt/log ext4 /dev/vda[/@log] rw rw\n"
				      "22 1 254:0 /opt ext4 /dev/vda[/@opt] ro rw\n");
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_INT(w.verdict.problems.items[i].kind, PROBLEM_ROOT_WRITABLE_MOUNT);
		CHECK_STR(w.verdict.problems.items[i].path, "/");
		CHECK_STR(w.verdict.problems.items[i].place, i ? "/mnt/log" : "/.snapshots");
	}
}

static void test_nothing_is_in_force(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, "1 0 254:0 / ext4 /dev/vda ro ro\n");
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strstr(world_sentence(&w), "nothing that rofs.conf declares") != NULL);
}

static void test_mistakes_count(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, "[Overlay /etc]\n[Overlay /var]\n[Overlay /srv]\nSize=8M\nSzie=1\n",
		      world_healthy);
	world_judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	world_check_line(
		&w,
		"partial: /etc/rofs.conf:5: unknown key Szie= in [Overlay]; did you mean Size=?");
}

static void test_swap(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	w.observed.swaps = calloc(1, sizeof(*w.observed.swaps));
	w.observed.swaps[w.observed.n_swaps++] = strdup("/dev/vda3");
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strncmp(world_sentence(&w), "swap is active on /dev/vda3", 27) == 0);
}

static void test_usage(void)
{
	static const struct {
		uint64_t used, available, inodes, inodes_used;
		const char *problem;
	} rows[] = {
		{ 79, 21, 100, 79, NULL },
		{ 80, 20, 100, 1,
		  "the shared RAM pool /rofs is 80% full (80 B of 100 B); rofs diff --sort=size shows "
		  "what fills it" },
		{ 1, 99, 100, 96,
		  "the shared RAM pool /rofs has used 96% of its inodes (96 of 100); rofs diff "
		  "--sort=size shows what fills it" },
		{ 1, 99, 0, 0, NULL }, /* a file system that does not count them */
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		world_prepare(&w, world_conf, world_healthy);
		w.observed.storages[0].usage = (struct usage){ .known = true,
							       .size = 100,
							       .used = row->used,
							       .available = row->available,
							       .inodes = row->inodes,
							       .inodes_used = row->inodes_used };
		world_judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
		CHECK_STR(world_sentence(&w), row->problem);
	}
}

static void test_levels(void)
{
	CHECK_INT(usage_level(0), 0);
	CHECK_INT(usage_level(79), 0);
	CHECK_INT(usage_level(80), USAGE_WARNING_PERCENT);
	CHECK_INT(usage_level(94), USAGE_WARNING_PERCENT);
	CHECK_INT(usage_level(95), USAGE_CRITICAL_PERCENT);
	CHECK_INT(usage_level(100), USAGE_CRITICAL_PERCENT);
}

/* A table that no kernel would show must not hang the search. */
static void test_a_table_that_goes_in_circles(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf,
		      "1 0 254:0 / ext4 /dev/vda ro ro\n"
		      "2 3 0:1 / tmpfs a rw rw\n"
		      "3 2 0:2 / tmpfs b rw rw\n"
		      "4 1 0:3 / tmpfs c rw rw\n"
		      "4 4 0:4 / tmpfs d rw rw\n"
		      "5 4 0:4 /srv tmpfs d rw rw\n"
		      "6 5 0:4 /srv tmpfs d rw rw\n"
		      "5 6 0:4 /srv tmpfs d rw rw\n");
	CHECK(observed_at(&w.observed, "/srv/x") != NULL);
	world_judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
}

static void test_no_mounts_at_all(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, "");
	CHECK(observed_at(&w.observed, "/srv") == NULL);
	world_judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
}

static void test_amounts(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },	{ 1536, "1.5 KiB" },
		{ 12 << 20, "12 MiB" }, { (12 << 20) + (512 << 10), "13 MiB" },
		{ 1 << 30, "1 GiB" },	{ UINT64_MAX, "16 EiB" },
	};
	char buffer[TEXT_BYTES_MAX];

	CHECK_EACH(row, rows)
	CHECK_STR(text_bytes(buffer, row->bytes), row->text);
}

static void test_pool_names(void)
{
	struct plan_overlay o = { .path = (char *)"/srv/a", .pool = "/rofs" };

	CHECK_STR(pool_name(&o), "ram");
	o.pool = "/rofs/rw/srv/a";
	CHECK_STR(pool_name(&o), "/srv/a");
	o.pool = "/rofs/rw/srv";
	CHECK_STR(pool_name(&o), "/srv");
}

int main(void)
{
	test_pool_names();
	test_healthy();
	test_one_thing_missing();
	test_extension_images_over_usr();
	test_root_is_writable();
	test_commit_is_running();
	test_what_transactions_leave();
	test_transactions_as_text();
	test_maintenance_boot();
	test_all_writable_mounts_are_named();
	test_nothing_is_in_force();
	test_mistakes_count();
	test_swap();
	test_usage();
	test_levels();
	test_a_table_that_goes_in_circles();
	test_no_mounts_at_all();
	test_amounts();
	return check_done();
}
