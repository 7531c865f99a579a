/* SPDX-License-Identifier: MIT */
/* The verdict where a partition is missing, late or read-only. */
#include "basic/macro.h"
#include "check.h"
#include "verdict/verdict-text.h"
#include "world.h"

static void test_partition_is_missing(void)
{
	_cleanup_(world_done) struct world w;
	_cleanup_free_ char *motd = NULL;

	world_prepare(&w, world_conf, world_healthy);
	world_unmount(&w, "/var/local/data");
	world_unmount(&w, "/rofs/persist/data");
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(!w.verdict.persists[0]);
	/* The device explains more than what waited for it. */
	CHECK_STR(world_first(&w)->units[0], "dev-disk-by\\x2dlabel-data.device");
	world_check_line(
		&w, "partial: /var/local/data is not on its partition data (LABEL=data): writes "
		    "there go to RAM with /var and are lost at power-off");
	CHECK_INT(verdict_motd(&w.verdict, &w.model.plan, &motd), 0);
	CHECK(strncmp(motd, "rofs: partial: /var/local/data is not on", 40) == 0);
}

/* The guard, an autofs, is mounted on the path before the data, and stays beneath it. */
static void test_guard_counts_as_nothing(void)
{
	static const char guard[] = "30 11 0:60 /var/local/data autofs rofs ro ro\n",
			  data[] = "14 30 254:16 /var/local/data" DATA,
			  refused[] = "/var/local/data is not on its partition data (LABEL=data): "
				      "writes there fail";
	static const struct {
		const char *label;
		bool partition, data;
		const char *problem;
	} rows[] = {
		{ "data on its guard", true, true, NULL },
		{ "guard only, no partition", false, false, refused },
		{ "guard only, and the partition", true, false, refused },
		{ "data on its guard, partition unmounted behind its back", false, true, NULL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		check.label = row->label;
		world_prepare(&w, world_conf, world_healthy);
		world_unmount(&w, "/var/local/data");
		if (!row->partition)
			world_unmount(&w, "/rofs/persist/data");
		world_add_mounts(&w.observed, guard);
		if (row->data)
			world_add_mounts(&w.observed, data);
		world_judge(&w);
		CHECK_INT(w.verdict.persists[0], row->data);
		CHECK_INT(w.verdict.problems.n_errors, row->problem ? 1 : 0);
		if (row->problem)
			CHECK_STR(world_sentence(&w), row->problem);
		CHECK_INT(w.verdict.state, row->problem ? VERDICT_PARTIAL : VERDICT_PROTECTED);
	}
	check.label = NULL;
}

/* A persist without a guard, as declared: the overlay around it takes the writes. */
static void test_volatile_persist_is_told(void)
{
	static const struct {
		const char *var, *problem;
	} rows[] = {
		{ "", "/var/a is not on its partition data (LABEL=data): writes there go to RAM "
		      "with /var and are lost at power-off" },
		{ "Partition=kept\n[Partition kept]\nDevice=/dev/vdc\n",
		  "/var/a is not on its partition data (LABEL=data): writes there go to partition "
		  "kept with /var" },
	};

	static const char kept[] =
		"20 3 254:32 /rofs/persist/kept ext4 /dev/vdc rw,nosuid,nodev rw\n"
		"10 3 0:34 /rofs/overlay/var overlay rofs rw,nosuid,nodev rw," LAYERS(
			"/rofs/persist/kept/overlay",
			"/var") "\n"
				"11 1 0:34 /var overlay rofs rw,nosuid,nodev rw," LAYERS(
					"/rofs/persist/kept/overlay", "/var") "\n";

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;
		char conf[256];

		snprintf(conf, sizeof(conf),
			 "[Root]\nTmp=no\n[Partition data]\nDevice=LABEL=data\n"
			 "[Persist /var/a]\nPartition=data\nIfMissing=volatile\n"
			 "[Overlay /var]\n%s",
			 row->var);
		world_prepare(&w, conf, world_healthy);
		world_unmount(&w, "/var/local/data");
		world_unmount(&w, "/rofs/persist/data");
		if (*row->var) {
			world_unmount(&w, "/rofs/overlay/var");
			world_unmount(&w, "/var");
			world_add_mounts(&w.observed, kept);
		}
		world_judge(&w);
		CHECK_INT(w.verdict.problems.n_errors, 1);
		CHECK(!w.verdict.persists[0]);
		CHECK_STR(world_sentence(&w), row->problem);
	}
}

static void test_overlay_without_its_partition(void)
{
	static const char conf[] = "[Root]\nTmp=no\n[Partition data]\nDevice=LABEL=data\n"
				   "[Overlay /var]\nPartition=data\n%s";
	static const struct {
		const char *label, *if_missing, *mounts, *problem;
	} rows[] = {
		{ "on its partition, bound through the fallback", "IfMissing=volatile\n",
		  "5 3 254:16 /rofs/persist/data" DATA
		  "6 3 0:40 /rofs/overlay/var" KEPT("/var") "7 3 0:40 /rofs/fallback/var" KEPT(
			  "/var") "8 1 0:40 /var" KEPT("/var"),
		  NULL },
		{ "in RAM", "IfMissing=volatile\n",
		  "7 3 0:41 /rofs/fallback/var" OVERLAY("/var") "8 1 0:41 /var" OVERLAY("/var"),
		  "/var is not kept on its partition data (LABEL=data): writes there go to RAM and "
		  "are lost at power-off" },
		{ "the plain lower", "",
		  "7 3 254:0 /rofs/fallback/var ext4 /dev/vda ro ro\n"
		  "8 1 254:0 /var ext4 /dev/vda ro ro\n",
		  "/var is not kept on its partition data (LABEL=data): writes there fail" },
		{ "nothing", "", "",
		  "/var is not kept on its partition data (LABEL=data): writes there fail" },
		{ "emergency", "IfMissing=emergency\n", "",
		  "/var is not kept on its partition data (LABEL=data): writes there fail" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;
		char text[256];

		check.label = row->label;
		snprintf(text, sizeof(text), conf, row->if_missing);
		world_prepare(&w, text,
			      "1 0 254:0 / ext4 /dev/vda ro ro\n"
			      "3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n");
		world_add_mounts(&w.observed, row->mounts);
		world_judge(&w);
		CHECK_INT(w.verdict.overlays[0], row->problem == NULL);
		CHECK_INT(w.verdict.problems.n, row->problem ? 1 : 0);
		CHECK_STR(world_sentence(&w), row->problem);
		if (row->problem)
			CHECK_STR(world_first(&w)->units[0], "dev-disk-by\\x2dlabel-data.device");
	}
	check.label = NULL;
}

static void test_partition_turns_read_only(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_find(&w, "/rofs/persist/data")->fs_read_only = true;
	world_find(&w, "/var/local/data")->fs_read_only = true;
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strncmp(world_sentence(&w), "partition data (/dev/vdb) has become read-only", 46) ==
	      0);
}

/* Then only the persist can say so. */
static void test_partition_turns_read_only_when_unmounted(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_unmount(&w, "/rofs/persist/data");
	world_find(&w, "/var/local/data")->fs_read_only = true;
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK_STR(world_sentence(&w),
		  "the persist on /var/local/data is read-only: writes there fail");
}

static void test_layer_unmounted_behind_its_back(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_unmount(&w, "/rofs/overlay/srv");
	world_judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(world_first(&w)->kind, PROBLEM_OVERLAY_SOURCE_UNMOUNTED);
	CHECK_INT(world_first(&w)->severity, DIAG_WARNING);
}

int main(void)
{
	test_partition_is_missing();
	test_guard_counts_as_nothing();
	test_volatile_persist_is_told();
	test_overlay_without_its_partition();
	test_partition_turns_read_only();
	test_partition_turns_read_only_when_unmounted();
	test_layer_unmounted_behind_its_back();
	return check_done();
}
