/* SPDX-License-Identifier: MIT */
/* The verdict on what is mounted in place of what is declared. */
#include "check.h"
#include "verdict/declared.h"
#include "world.h"

/*
 * Each row puts something else in place of what is declared. Its paths, and nothing else, are not in
 * force then.
 */
static void test_something_else_is_there(void)
{
	enum {
		ETC = 1,
		VAR = 2,
		SRV = 4,
		DATA_PERSIST = 8,
		ALL = 15
	};
	static const struct {
		const char *label;
		const char *unmounted, *replaced[2], *mounted;
		unsigned missing; /* of the overlays and the persist */
		const char *problem;
		enum problem_kind kind;
		const char *path;
	} rows[] = {
		{ "own pool not mounted",
		  "/rofs/rw/srv",
		  { NULL },
		  "",
		  SRV,
		  "the RAM pool of /srv is not mounted: /rofs/rw/srv is on rofs (tmpfs), which is "
		  "mounted on /rofs",
		  PROBLEM_POOL_NOT_MOUNTED,
		  "/rofs/rw/srv" },
		{ "own pool on a disk",
		  NULL,
		  { "5 3 254:48 /rofs/rw/srv ext4 /dev/vdd rw,nosuid,nodev,noexec rw\n" },
		  "",
		  SRV,
		  "the RAM pool of /srv is not a tmpfs of rofs: /dev/vdd (ext4) is mounted on "
		  "/rofs/rw/srv",
		  PROBLEM_POOL_WRONG,
		  "/rofs/rw/srv" },
		{ "own pool is a part of the shared one",
		  NULL,
		  { "5 3 0:30 /rofs/rw/srv tmpfs rofs[/rw/x] rw,nosuid,nodev,noexec rw\n" },
		  "",
		  SRV,
		  "the RAM pool of /srv is not a tmpfs of rofs: rofs (tmpfs) is mounted on "
		  "/rofs/rw/srv",
		  PROBLEM_POOL_WRONG,
		  "/rofs/rw/srv" },
		{ "own pool mounted after the overlay",
		  NULL,
		  { NULL },
		  "20 5 0:50 /rofs/rw/srv" POOL,
		  SRV,
		  "the changes to /srv are not in the RAM pool of /srv, which was mounted after the "
		  "overlay",
		  PROBLEM_OVERLAY_OUTSIDE_POOL,
		  "/srv" },
		{ "own pool read-only",
		  NULL,
		  { "5 3 0:31 /rofs/rw/srv tmpfs rofs rw,nosuid,nodev,noexec ro\n" },
		  "",
		  SRV,
		  "the RAM pool of /srv is read-only: changes to what it serves fail",
		  PROBLEM_POOL_READ_ONLY,
		  "/rofs/rw/srv" },
		{ "shared pool without flags",
		  NULL,
		  { "3 1 0:30 /rofs tmpfs rofs rw rw\n" },
		  "",
		  ETC | VAR,
		  "/rofs is mounted without nosuid,nodev,noexec, which rofs.conf or fstab requires",
		  PROBLEM_FLAGS_MISSING,
		  "/rofs" },
		{ "lower root is another directory",
		  NULL,
		  { "4 3 254:0 /rofs/ro ext4 /dev/vda[/old] ro ro\n" },
		  "",
		  0,
		  "/rofs/ro is not the root file system: /dev/vda (ext4) is mounted there",
		  PROBLEM_LOWER_ROOT_WRONG,
		  "/rofs/ro" },
		{ "lower root is another disk",
		  NULL,
		  { "4 3 254:32 /rofs/ro ext4 /dev/vdc ro ro\n" },
		  "",
		  0,
		  "/rofs/ro is not the root file system: /dev/vdc (ext4) is mounted there",
		  PROBLEM_LOWER_ROOT_WRONG,
		  "/rofs/ro" },
		{ "lower covered",
		  NULL,
		  { NULL },
		  "20 4 0:50 /rofs/ro/var tmpfs other ro ro\n",
		  0,
		  "/rofs/ro/var, a lower, is covered: other (tmpfs) is mounted over it, on /rofs/ro/var",
		  PROBLEM_LOWER_COVERED,
		  "/rofs/ro/var" },
		{ "another file system at the upper's place",
		  NULL,
		  { NULL },
		  "20 3 0:50 /rofs/rw/var tmpfs other rw rw\n",
		  VAR,
		  "the changes to /var may not be in the shared RAM pool /rofs: other (tmpfs) is "
		  "mounted over its upper, on /rofs/rw/var",
		  PROBLEM_UPPER_COVERED,
		  "/var" },
		{ "at the upper itself",
		  NULL,
		  { NULL },
		  "20 5 0:50 /rofs/rw/srv/upper tmpfs other rw rw\n",
		  SRV,
		  "the changes to /srv may not be in the RAM pool of /srv: other (tmpfs) is "
		  "mounted over its upper, on /rofs/rw/srv/upper",
		  PROBLEM_UPPER_COVERED,
		  "/srv" },
		{ "an overlay that is not ours",
		  NULL,
		  { "8 3 0:33 /rofs/overlay/srv overlay rofs rw rw,lowerdir=/rofs/ro/srv,upperdir=/x/u,workdir=/x/w\n",
		    "9 1 0:33 /srv overlay rofs rw rw,lowerdir=/rofs/ro/srv,upperdir=/x/u,workdir=/x/w\n" },
		  "",
		  SRV,
		  "the overlay on /srv is not the declared one: it has "
		  "lowerdir=/rofs/ro/srv,upperdir=/x/u,workdir=/x/w",
		  PROBLEM_OVERLAY_WRONG_LAYERS,
		  "/srv" },
		{ "an overlay without an upper",
		  NULL,
		  { "8 3 0:33 /rofs/overlay/srv overlay rofs rw rw,lowerdir=/rofs/ro/srv:/x\n",
		    "9 1 0:33 /srv overlay rofs rw rw,lowerdir=/rofs/ro/srv:/x\n" },
		  "",
		  SRV,
		  "the overlay on /srv is not the declared one: it has lowerdir=/rofs/ro/srv:/x",
		  PROBLEM_OVERLAY_WRONG_LAYERS,
		  "/srv" },
		{ "a directory of the overlay",
		  NULL,
		  { "9 1 0:33 /srv overlay rofs[/www] rw rw," LAYERS("/rofs/rw", "/srv") "\n" },
		  "",
		  SRV,
		  "/srv shows only the directory /www of its overlay",
		  PROBLEM_OVERLAY_WRONG_DIRECTORY,
		  "/srv" },
		{ "another disk",
		  NULL,
		  { "13 3 254:32 /rofs/persist/data ext4 /dev/vdc rw,nosuid,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "partition data is not mounted from LABEL=data: /dev/vdc (ext4) is mounted on "
		  "/rofs/persist/data",
		  PROBLEM_PARTITION_WRONG_DEVICE,
		  "/rofs/persist/data" },
		{ "a directory of the partition",
		  NULL,
		  { "13 3 254:16 /rofs/persist/data ext4 /dev/vdb[/other] rw,nosuid,nodev rw\n",
		    "14 11 254:16 /var/local/data ext4 /dev/vdb[/other] rw,nosuid,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "/rofs/persist/data shows only the directory /other of partition data (/dev/vdb)",
		  PROBLEM_PARTITION_WRONG_DIRECTORY,
		  "/rofs/persist/data" },
		{ "another directory bound at the persist",
		  NULL,
		  { "14 11 254:16 /var/local/data ext4 /dev/vdb[/other] rw,nosuid,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "/var/local/data shows the directory /other of partition data instead of /",
		  PROBLEM_PERSIST_WRONG_DIRECTORY,
		  "/var/local/data" },
		{ "a persist bound read-only",
		  NULL,
		  { "14 11 254:16 /var/local/data ext4 /dev/vdb ro,nosuid,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "the persist on /var/local/data is read-only: writes there fail",
		  PROBLEM_PERSIST_READ_ONLY,
		  "/var/local/data" },
		{ "a persist with programs that may set the user ID",
		  NULL,
		  { "14 11 254:16 /var/local/data ext4 /dev/vdb rw,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "/var/local/data is mounted without nosuid, which rofs.conf or fstab requires",
		  PROBLEM_FLAGS_MISSING,
		  "/var/local/data" },
		{ "a persist on another disk",
		  NULL,
		  { "14 11 254:32 /var/local/data ext4 /dev/vdc rw,nosuid,nodev rw\n" },
		  "",
		  DATA_PERSIST,
		  "/var/local/data is not on its partition data (LABEL=data): writes there go to "
		  "/dev/vdc",
		  PROBLEM_PERSIST_MISSING,
		  "/var/local/data" },
		{ "/tmp is /run",
		  NULL,
		  { "12 1 0:20 /tmp tmpfs tmpfs rw,nosuid,nodev rw\n" },
		  "",
		  0,
		  "/tmp is not a tmpfs of its own with mode=1777: tmpfs (tmpfs) is mounted there",
		  PROBLEM_TMP_WRONG,
		  "/tmp" },
		{ "/tmp is a directory of its tmpfs",
		  NULL,
		  { "12 1 0:35 /tmp tmpfs tmpfs[/x] rw,nosuid,nodev rw\n" },
		  "",
		  0,
		  "/tmp is not a tmpfs of its own with mode=1777: tmpfs (tmpfs) is mounted there",
		  PROBLEM_TMP_WRONG,
		  "/tmp" },
		{ "/tmp for root only",
		  NULL,
		  { "12 1 0:35 /tmp tmpfs tmpfs rw,nosuid,nodev rw,mode=755\n" },
		  "",
		  0,
		  "/tmp is not a tmpfs of its own with mode=1777: tmpfs (tmpfs) is mounted there",
		  PROBLEM_TMP_WRONG,
		  "/tmp" },
		{ "/tmp with devices",
		  NULL,
		  { "12 1 0:35 /tmp tmpfs tmpfs rw,nosuid rw,mode=1777\n" },
		  "",
		  0,
		  "/tmp is mounted without nodev, which rofs.conf or fstab requires",
		  PROBLEM_FLAGS_MISSING,
		  "/tmp" },
		{ "/tmp on a disk",
		  NULL,
		  { "12 1 254:32 /tmp ext4 /dev/vdc rw,nosuid,nodev rw\n" },
		  "",
		  0,
		  "/tmp has no tmpfs: writes there go to /dev/vdc",
		  PROBLEM_TMP_MISSING,
		  "/tmp" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		check.label = row->label;
		world_prepare(&w, world_conf, world_healthy);
		world_look_for_partition(&w, 16);
		if (row->unmounted)
			world_unmount(&w, row->unmounted);
		for (size_t i = 0; i < 2 && row->replaced[i]; i++)
			world_replace(&w, row->replaced[i]);
		world_add_mounts(&w.observed, row->mounted);
		world_judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
		CHECK_INT(w.verdict.problems.n, 1);
		CHECK_STR(world_sentence(&w), row->problem);
		CHECK_INT(world_first(&w)->kind, row->kind);
		CHECK_STR(world_first(&w)->path, row->path);
		CHECK_INT(w.verdict.overlays[0], !(row->missing & ETC));
		CHECK_INT(w.verdict.overlays[1], !(row->missing & SRV));
		CHECK_INT(w.verdict.overlays[2], !(row->missing & VAR));
		CHECK_INT(w.verdict.persists[0], !(row->missing & DATA_PERSIST));
	}
	check.label = NULL;
}

/* mount(8) can mount a directory of any file system. */
static void test_directory_of_a_partition(void)
{
	static const struct {
		const char *options, *root;
		enum problem_kind kind;
	} rows[] = {
		{ "noatime,X-mount.subdir=/a/b/", "/a/b", PROBLEM_NONE },
		{ "noatime,X-mount.subdir=a/b", "/a/c", PROBLEM_PARTITION_WRONG_DIRECTORY },
		{ "noatime,X-mount.subdir=a/b", "/x/a/b", PROBLEM_PARTITION_WRONG_DIRECTORY },
		{ "noatime,X-mount.subdir=a/b", "/", PROBLEM_PARTITION_WRONG_DIRECTORY },
		{ "noatime", "/a/b", PROBLEM_PARTITION_WRONG_DIRECTORY },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;
		char conf[512], line[256];

		snprintf(conf, sizeof(conf),
			 "[Overlay /etc]\n[Overlay /var]\n[Overlay /srv]\nSize=8M\n"
			 "[Partition data]\nDevice=LABEL=data\nOptions=%s\n"
			 "[Persist /var/local/data]\nPartition=data\nDirectory=/keep\n",
			 row->options);
		world_prepare(&w, conf, world_healthy);
		snprintf(line, sizeof(line),
			 "13 3 254:16 /rofs/persist/data ext4 /dev/vdb[%s] rw,nosuid,nodev rw\n",
			 row->root);
		world_replace(&w, line);
		snprintf(line, sizeof(line),
			 "14 11 254:16 /var/local/data ext4 /dev/vdb[%s/keep] rw,nosuid,nodev rw\n",
			 strcmp(row->root, "/") == 0 ? "" : row->root);
		world_replace(&w, line);
		world_judge(&w);
		CHECK_INT(world_first(&w)->kind, row->kind);
	}
}

/* Whether this is the declared one cannot be told: then it is not called so. */
static void test_device_is_absent(void)
{
	_cleanup_(world_done) struct world w;

	world_prepare(&w, world_conf, world_healthy);
	world_look_for_partition(&w, 0);
	world_judge(&w);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(world_first(&w)->kind, PROBLEM_PARTITION_WRONG_DEVICE);
	CHECK(!w.verdict.persists[0]);
}

/* The mount number of a btrfs is its own; its subvolumes are directories of it. */
static void test_btrfs(void)
{
	static const struct {
		const char *options, *partition, *persist;
		enum problem_kind kind;
	} rows[] = {
		{ "", "", "[/keep]", PROBLEM_NONE },
		{ "", "[/@]", "[/@/keep]", PROBLEM_NONE }, /* the default subvolume */
		{ "", "[/@]", "[/keep]", PROBLEM_PERSIST_WRONG_DIRECTORY },
		{ "subvol=@data", "[/@data]", "[/@data/keep]", PROBLEM_NONE },
		{ "noatime,subvol=/@data", "[/@data]", "[/@data/keep]", PROBLEM_NONE },
		{ "subvol=@data", "[/@other]", "[/@other/keep]",
		  PROBLEM_PARTITION_WRONG_DIRECTORY },
		{ "subvol=/@data/", "[/@data]", "[/@data/keep]", PROBLEM_NONE },
		{ "X-mount.subdir=a/b", "[/@/a/b]", "[/@/a/b/keep]", PROBLEM_NONE },
		{ "X-mount.subdir=a/b", "[/@/xa/b]", "[/@/xa/b/keep]",
		  PROBLEM_PARTITION_WRONG_DIRECTORY },
		{ "subvol=@data,X-mount.subdir=a", "[/@data/a]", "[/@data/a/keep]", PROBLEM_NONE },
		{ "subvol=@data,X-mount.subdir=a", "[/@data]", "[/@data/keep]",
		  PROBLEM_PARTITION_WRONG_DIRECTORY },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;
		char conf[512], line[256];

		snprintf(conf, sizeof(conf),
			 "[Root]\nTmp=no\n[Overlay /var]\n[Partition data]\nDevice=LABEL=data\n"
			 "Type=btrfs\nOptions=%s\n[Persist /var/local/data]\nPartition=data\n"
			 "Directory=/keep\n",
			 row->options);
		world_prepare(&w, conf, world_healthy);
		snprintf(line, sizeof(line),
			 "13 3 0:40 /rofs/persist/data btrfs /dev/vdb%s rw,nosuid,nodev rw\n",
			 row->partition);
		world_replace(&w, line);
		world_find(&w, "/rofs/persist/data")->device_major = 254;
		world_find(&w, "/rofs/persist/data")->device_minor = 16;
		snprintf(line, sizeof(line),
			 "14 11 0:40 /var/local/data btrfs /dev/vdb%s rw,nosuid,nodev rw\n",
			 row->persist);
		world_replace(&w, line);
		world_find(&w, "/var/local/data")->device_major = 254;
		world_find(&w, "/var/local/data")->device_minor = 16;
		world_look_for_partition(&w, 16);
		world_judge(&w);
		CHECK_INT(world_first(&w)->kind, row->kind);
	}
}

/* What the kernel shows of a subvolume besides its directory. */
static void test_subvolume(void)
{
	static const struct {
		const char *options, *root, *observed;
		bool whole;
	} rows[] = {
		{ "", "/", "rw,subvolid=5,subvol=/", true },
		{ "", "/@", "rw,subvolid=256,subvol=/@", true }, /* the default one, it may be */
		{ "", "/@/a", "rw,subvolid=256,subvol=/@", false },
		{ "", "/a", "rw,subvolid=5,subvol=/", false },
		{ "", "/@,b", "rw,subvolid=256,subvol=/@,b", true },
		{ "X-mount.subdir=a", "/@/a", "rw,subvolid=256,subvol=/@", true },
		{ "noatime,subvolid=256", "/@", "rw,subvolid=256,subvol=/@", true },
		{ "noatime,subvolid=0x100", "/@", "rw,subvolid=256,subvol=/@", true },
		{ "noatime,subvolid=256", "/@b", "rw,subvolid=257,subvol=/@b", false },
		{ "subvolid=0", "/", "rw,subvolid=5,subvol=/", true },
		{ "subvolid=0", "/@", "rw,subvolid=256,subvol=/@", false },
		{ "subvolid=256,X-mount.subdir=a", "/@/a", "rw,subvolid=256,subvol=/@", true },
		{ "subvolid=256,X-mount.subdir=a", "/@", "rw,subvolid=256,subvol=/@", false },
		{ "subvol=@", "/@", "rw,subvolid=256,subvol=/@", true },
		{ "subvol=@", "/@b", "rw,subvolid=257,subvol=/@b", false },
	};

	CHECK_EACH(row, rows)
	{
		const struct observed_mount m = { .type = (char *)"btrfs",
						  .root = (char *)row->root,
						  .fs_options = (char *)row->observed };

		check.label = row->options;
		CHECK_INT(declared_is_whole(&m, row->options), row->whole);
	}
	check.label = NULL;
}

int main(void)
{
	test_something_else_is_there();
	test_directory_of_a_partition();
	test_device_is_absent();
	test_btrfs();
	test_subvolume();
	return check_done();
}
