/* SPDX-License-Identifier: MIT */
/* The verdict on flags and layers of what is mounted. */
#include "check.h"
#include "verdict/declared.h"
#include "world.h"

static void test_flags(void)
{
	static const struct {
		const char *options, *observed;
		unsigned lacking;
	} rows[] = {
		{ "", "rw", 0 },
		{ "noatime,nodev,nosuid", "rw,nosuid,nodev,relatime", 0 },
		{ "nodev,nosuid", "rw,nosuid", MOUNT_NODEV },
		{ "nosuid,nodev,noexec", "rw", MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC },
		{ "nosuid,suid", "rw", 0 },
		{ "suid,nosuid", "rw", MOUNT_NOSUID },
		{ "nosuidx,x=nodev", "rw", 0 },
		{ "nosymfollow,nosuid=recursive", "rw,nosuid", MOUNT_NOSYMFOLLOW },
		{ "", "rw,nosuid", 0 },
		{ "nodev,ro", "rw,nodev", MOUNT_READ_ONLY },
		{ "nodev,ro", "ro,nodev", 0 },
		{ "ro,rw", "rw", 0 },
	};

	CHECK_EACH(row, rows)
	{
		const struct observed_mount m = { .options = (char *)row->observed };

		CHECK_INT(declared_lacks(&m, row->options), row->lacking);
	}
}

/* How the kernel shows what it was given in one of two ways. */
static void test_layers(void)
{
	static const char declared[] = "lowerdir=/l,upperdir=/u/upper,workdir=/u/work,index=off";
	static const struct {
		const char *observed;
		bool same;
	} rows[] = {
		{ "rw,lowerdir=/l,upperdir=/u/upper,workdir=/u/work", true },
		{ "rw,lowerdir+=/l,upperdir=/u/upper,workdir=/u/work,uuid=on", true },
		{ "rw,lowerdir+=/l,lowerdir+=/m,upperdir=/u/upper,workdir=/u/work", false },
		{ "rw,lowerdir=/l:/m,upperdir=/u/upper,workdir=/u/work", false },
		{ "rw,lowerdir=/l,upperdir=/u/upper2,workdir=/u/work", false },
		{ "rw,lowerdir=/l,upperdir=/u/upper,workdir=/w", false },
		{ "ro,lowerdir=/l", false },
		{ "rw", false },
	};

	CHECK_EACH(row, rows)
	{
		const struct observed_mount m = { .fs_options = (char *)row->observed };

		CHECK_INT(declared_has_layers(&m, declared), row->same);
	}
}

static void test_foreign_features(void)
{
	static const struct {
		const char *observed, *kept, *in_ram;
	} rows[] = {
		{ "rw,upperdir=/volatile,uuid=on,xino=off,metacopy=off", "", "" },
		{ "rw,volatile", "volatile", "volatile" },
		{ "rw,fsync=volatile,redirect_dir=on,metacopy=on",
		  "fsync=volatile,redirect_dir=on,metacopy=on",
		  "fsync=volatile,redirect_dir=on,metacopy=on" },
		{ "rw,userxattr,redirect_dir=follow", "userxattr,redirect_dir=follow",
		  "userxattr" },
		{ "rw,redirect_dir=nofollow", "", "" },
	};

	CHECK_EACH(row, rows)
	{
		for (int kept = 0; kept < 2; kept++) {
			_cleanup_strbuf_ struct strbuf b = { 0 };
			const char *expected = kept ? row->kept : row->in_ram;

			declared_add_foreign_features(&b, row->observed, kept);
			CHECK_STR(b.len ? b.text : "", expected);
			CHECK_INT(declared_has_foreign_features(row->observed, kept),
				  *expected != '\0');
		}
	}
}

static void test_not_private(void)
{
	static const char *const paths[] = { "/rofs/ro", "/rofs/overlay/srv",
					     "/rofs/persist/data" };
	/* Shared alone, with another one, or as a slave. */
	static const struct {
		unsigned peer_group, other;
		bool is_slave;
		size_t problems;
	} rows[] = { { 7, 8, false, 0 }, { 7, 7, false, 1 }, { 0, 0, true, 1 } };

	CHECK_EACH(path, paths)
	{
		CHECK_EACH(row, rows)
		{
			_cleanup_(world_done) struct world w;

			world_prepare(&w, world_conf, world_healthy);
			world_find(&w, *path)->peer_group = row->peer_group;
			world_find(&w, *path)->is_slave = row->is_slave;
			world_find(&w, "/")->peer_group = row->other;
			world_judge(&w);
			CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
			CHECK_INT(w.verdict.problems.n, row->problems);
			if (row->problems == 0)
				continue;
			CHECK_INT(world_first(&w)->kind, PROBLEM_NOT_PRIVATE);
			CHECK_STR(world_first(&w)->path, *path);
		}
	}
}

/* Its uppers would be in another pool: nothing but the table of mounts says so. */
static void test_partition_of_a_pool_is_not_mounted(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w,
		      "[Root]\nTmp=no\n[Partition data]\nDevice=LABEL=data\n"
		      "[Overlay /var]\nPartition=data\n",
		      "1 0 254:0 / ext4 /dev/vda ro ro\n"
		      "3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n"
		      "6 3 0:40 /rofs/overlay/var" KEPT("/var") "8 1 0:40 /var" KEPT("/var"));
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(world_first(&w)->kind, PROBLEM_POOL_NOT_MOUNTED);
	CHECK_STR(world_sentence(&w),
		  "partition data is not mounted: /rofs/persist/data is on rofs "
		  "(tmpfs), which is mounted on /rofs");
	CHECK(!w.verdict.overlays[0]);
}

static void test_overlay_is_read_only(void)
{
	static const struct {
		const char *options, *mount;
		enum verdict_state state;
	} rows[] = {
		{ "", "ro", VERDICT_PARTIAL },
		{ "Options=nodev,ro\n", "ro", VERDICT_PROTECTED },
		{ "Options=nodev,ro\n", "rw", VERDICT_PARTIAL },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;
		char conf[128], line[256];

		snprintf(conf, sizeof(conf), "[Overlay /etc]\n[Overlay /srv]\nSize=1M\n%s",
			 row->options);
		snprintf(line, sizeof(line),
			 "9 1 0:33 /srv overlay rofs %s,nodev rw," LAYERS("/rofs/rw", "/srv") "\n",
			 row->mount);
		world_prepare(&w, conf, world_healthy);
		world_replace(&w, line);
		world_judge(&w);
		CHECK_INT(w.verdict.state, row->state);
		CHECK_INT(w.verdict.overlays[1], row->state == VERDICT_PROTECTED);
	}
}

/* fstab mounts /home, and it is overlaid: writable in RAM, as declared. */
static void test_lower_of_fstab(void)
{
	static const struct {
		const char *mount, *problem, *late;
	} rows[] = {
		{ "4 3 254:3 /rofs/ro/home ext4 /dev/vda3 ro ro\n", NULL, "" },
		{ "",
		  "the overlay on /home does not show /dev/vda3 (ext4), which was mounted on "
		  "/rofs/ro/home after it",
		  "7 3 254:3 /rofs/ro/home ext4 /dev/vda3 ro ro\n" },
		{ "4 3 254:3 /rofs/ro/home ext4 /dev/vda3 ro rw\n",
		  "/rofs/ro/home, a lower, is mounted read-only, but its file system is writable: a "
		  "process in another mount namespace may write to it; mount -o remount,ro "
		  "/rofs/ro/home makes it read-only again",
		  "" },
		{ "4 3 254:3 /rofs/ro/home ext4 /dev/vda3 ro rw\n", NULL,
		  "7 1 254:3 /mnt ext4 /dev/vda3[/@other] rw rw\n" },
		{ "4 3 254:3 /rofs/ro/home ext4 /dev/vda3 rw rw\n",
		  "/rofs/ro/home, a lower, is writable: writes to it are permanent and wear out the flash",
		  "" },
		{ "", "/dev/vda3, which fstab mounts on /home, is not mounted on /rofs/ro/home",
		  "" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w = { 0 };

		CHECK_INT(model_read(&w.model, "[Root]\nTmp=no\n[Overlay /home]\n"), 0);
		CHECK_INT(model_look(&w.model, NULL), 0);
		w.model.facts.rofs_exists = true;
		CHECK_INT(model_add_fstab(&w.model, "/dev/vda3", "/home", "ext4", "defaults"), 0);
		CHECK_INT(model_plan(&w.model), 0);
		CHECK_INT(observed_storages(&w.observed, &w.model.plan), 0);
		world_add_mounts(&w.observed,
				 "1 0 254:0 / ext4 /dev/vda ro ro\n"
				 "2 1 0:30 /rofs" POOL "3 2 254:0 /rofs/ro ext4 /dev/vda ro ro\n");
		world_add_mounts(&w.observed, row->mount);
		world_add_mounts(&w.observed, "5 2 0:32 /rofs/overlay/home" OVERLAY(
						      "/home") "6 1 0:32 /home" OVERLAY("/home"));
		world_add_mounts(&w.observed, row->late);
		world_judge(&w);
		CHECK_STR(world_sentence(&w), row->problem);
	}
}

int main(void)
{
	test_flags();
	test_layers();
	test_foreign_features();
	test_not_private();
	test_partition_of_a_pool_is_not_mounted();
	test_overlay_is_read_only();
	test_lower_of_fstab();
	return check_done();
}
