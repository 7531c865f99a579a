/* SPDX-License-Identifier: MIT */
#include "verdict/verdict-text.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "check.h"
#include "model.h"
#include "plan/mount-flags.h"
#include "verdict/declared.h"

static const char conf_text[] = "[Overlay /etc]\n"
				"[Overlay /var]\n"
				"[Overlay /srv]\n"
				"Size=8M\n"
				"[Partition data]\n"
				"Device=LABEL=data\n"
				"[Persist /var/local/data]\n"
				"Partition=data\n";

/*
 * A mount table in words: "ID PARENT MAJOR:MINOR TARGET TYPE SOURCE MOUNT FS", where SOURCE may end
 * in [/DIRECTORY], and the last two are options.
 */
#define POOL " tmpfs rofs rw,nosuid,nodev,noexec rw\n"
#define TMP  " tmpfs tmpfs rw,nosuid,nodev rw\n"
#define DATA " ext4 /dev/vdb rw,nosuid,nodev rw\n"
#define LAYERS(dir, path) \
	"lowerdir=/rofs/ro" path ",upperdir=" dir path "/upper,workdir=" dir path "/work"
#define OVERLAY(path) " overlay rofs rw rw," LAYERS("/rofs/rw", path) "\n"
#define KEPT(path) \
	" overlay rofs rw,nosuid,nodev rw," LAYERS("/rofs/persist/data/overlay", path) "\n"

static const char healthy[] =
	"1 0 254:0 / ext4 /dev/vda ro ro\n"
	"2 1 0:20 /run tmpfs tmpfs rw rw\n"
	"3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n"
	"5 3 0:31 /rofs/rw/srv" POOL
	"6 3 0:32 /rofs/overlay/etc" OVERLAY("/etc") "7 1 0:32 /etc" OVERLAY("/etc") "8 3 0:33 /rofs/overlay/srv" OVERLAY("/srv") "9 1 0:33 /srv" OVERLAY(
		"/srv") "10 3 0:34 /rofs/overlay/var" OVERLAY("/var") "11 1 0:34 /var" OVERLAY("/var") "12 1 0:35 /tmp" TMP
												       "13 3 254:16 /rofs/persist/data" DATA
												       "14 11 254:16 /var/local/data" DATA;

struct world {
	struct model model;
	struct observed observed;
	struct verdict verdict;
	char *sentence;
};

static void world_done(struct world *w)
{
	free(w->sentence);
	verdict_done(&w->verdict);
	observed_done(&w->observed);
	model_done(&w->model);
}

static void add_mounts(struct observed *s, const char *table)
{
	while (*table) {
		char target[64], type[16], source[64], mount[64], fs[256];
		struct observed_mount m = { 0 };
		char *root;

		if (sscanf(table, "%u %u %u:%u %63s %15s %63s %63s %255s", &m.id, &m.parent,
			   &m.major, &m.minor, target, type, source, mount, fs) != 9 ||
		    array_reserve(s->mounts, s->n_mounts) < 0)
			abort();
		m.device_major = m.major;
		m.device_minor = m.major ? m.minor : 0;
		root = strchr(source, '[');
		m.root = root ? strndup(root + 1, strlen(root) - 2) : strdup("/");
		if (root)
			*root = '\0';
		m.target = strdup(target);
		m.type = strdup(type);
		m.source = strdup(source);
		m.options = strdup(mount);
		m.fs_options = strdup(fs);
		m.read_only = strncmp(mount, "ro", 2) == 0;
		m.fs_read_only = strncmp(fs, "ro", 2) == 0;
		s->mounts[s->n_mounts++] = m;
		table += strcspn(table, "\n") + 1;
	}
}

static struct observed_mount *find(struct world *w, const char *target)
{
	for (size_t i = w->observed.n_mounts; i > 0; i--)
		if (strcmp(w->observed.mounts[i - 1].target, target) == 0)
			return &w->observed.mounts[i - 1];
	abort();
}

static void unmount_at(struct world *w, size_t i)
{
	struct observed_mount *m = &w->observed.mounts[i];

	free(m->root);
	free(m->target);
	free(m->type);
	free(m->source);
	free(m->options);
	free(m->fs_options);
	memmove(m, m + 1, (w->observed.n_mounts - i - 1) * sizeof(*m));
	w->observed.n_mounts--;
}

/* As umount(8): the last mount on @target goes. */
static void unmount(struct world *w, const char *target)
{
	unmount_at(w, (size_t)(find(w, target) - w->observed.mounts));
}

static void prepare(struct world *w, const char *conf, const char *table)
{
	*w = (struct world){ 0 };
	CHECK_INT(model_read(&w->model, conf), 0);
	CHECK_INT(model_look(&w->model, NULL), 0);
	w->model.facts.rofs_exists = true;
	w->model.facts.tmp_is_plain = true;
	CHECK_INT(model_plan(&w->model), 0);
	CHECK_INT(observed_storages(&w->observed, &w->model.plan), 0);
	add_mounts(&w->observed, table);
}

static void judge(struct world *w)
{
	CHECK_INT(verdict_build(&w->model.plan, &w->observed, &w->model.diag, &w->verdict), 0);
}

/* The first problem; all-zero: there is none. */
static const struct problem *first(const struct world *w)
{
	static const struct problem none;

	return w->verdict.problems.n ? &w->verdict.problems.items[0] : &none;
}

/* Its sentence, NULL: there is none. */
static const char *sentence(struct world *w)
{
	free(w->sentence);
	w->sentence = NULL;
	if (w->verdict.problems.n)
		CHECK_INT(problem_format(first(w), &w->sentence), 0);
	return w->sentence;
}

static void check_line(struct world *w, const char *expected)
{
	_cleanup_free_ char *line = NULL;

	CHECK_INT(verdict_line(&w->verdict, &w->model.plan, &w->observed, &line), 0);
	CHECK_STR(line, expected);
}

static void test_healthy(void)
{
	_cleanup_(world_done) struct world w;
	_cleanup_free_ char *motd = NULL;

	prepare(&w, conf_text, healthy);
	w.observed.storages[0].usage = (struct usage){
		.known = true, .size = 235 << 20, .used = 12 << 20, .available = 223 << 20
	};
	judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
	CHECK_INT(w.verdict.problems.n, 0);
	check_line(&w, "protected: / read-only, /etc /var in RAM (12 MiB of 235 MiB), /srv in RAM, "
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
		prepare(&w, conf_text, healthy);
		if (row->unmounted)
			unmount(&w, row->unmounted);
		add_mounts(&w.observed, row->mounted);
		judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
		CHECK_INT(w.verdict.problems.n_errors, 1);
		CHECK_STR(sentence(&w), row->problem);
		CHECK_STR(first(&w)->units[0], row->unit);
		CHECK_INT(first(&w)->kind, row->kind);
		CHECK_STR(first(&w)->path, row->path);
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
		add_mounts(&w.observed, table);
		judge(&w);
		CHECK_INT(first(&w)->kind, row->kind);
	}
}

/* The mount of @line takes the place of the last one on its target. */
static void replace(struct world *w, const char *line)
{
	struct observed_mount *m, old;

	add_mounts(&w->observed, line);
	m = &w->observed.mounts[--w->observed.n_mounts];
	for (size_t i = w->observed.n_mounts; i > 0; i--) {
		struct observed_mount *x = &w->observed.mounts[i - 1];

		if (strcmp(x->target, m->target) != 0)
			continue;
		old = *x;
		*x = *m;
		*m = old;
		w->observed.n_mounts++;
		unmount_at(w, w->observed.n_mounts - 1);
		return;
	}
	abort();
}

static void look_for_partition(struct world *w, unsigned minor)
{
	w->observed.partitions =
		calloc(w->model.plan.n_partitions + 1, sizeof(*w->observed.partitions));
	w->observed.partitions[0].state = minor ? DEVICE_PRESENT : DEVICE_ABSENT;
	w->observed.partitions[0].major = minor ? 254 : 0;
	w->observed.partitions[0].minor = minor;
}

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
		prepare(&w, conf_text, healthy);
		look_for_partition(&w, 16);
		if (row->unmounted)
			unmount(&w, row->unmounted);
		for (size_t i = 0; i < 2 && row->replaced[i]; i++)
			replace(&w, row->replaced[i]);
		add_mounts(&w.observed, row->mounted);
		judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
		CHECK_INT(w.verdict.problems.n, 1);
		CHECK_STR(sentence(&w), row->problem);
		CHECK_INT(first(&w)->kind, row->kind);
		CHECK_STR(first(&w)->path, row->path);
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
		prepare(&w, conf, healthy);
		snprintf(line, sizeof(line),
			 "13 3 254:16 /rofs/persist/data ext4 /dev/vdb[%s] rw,nosuid,nodev rw\n",
			 row->root);
		replace(&w, line);
		snprintf(line, sizeof(line),
			 "14 11 254:16 /var/local/data ext4 /dev/vdb[%s/keep] rw,nosuid,nodev rw\n",
			 strcmp(row->root, "/") == 0 ? "" : row->root);
		replace(&w, line);
		judge(&w);
		CHECK_INT(first(&w)->kind, row->kind);
	}
}

/* Whether this is the declared one cannot be told: then it is not called so. */
static void test_device_is_absent(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	look_for_partition(&w, 0);
	judge(&w);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(first(&w)->kind, PROBLEM_PARTITION_WRONG_DEVICE);
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
		prepare(&w, conf, healthy);
		snprintf(line, sizeof(line),
			 "13 3 0:40 /rofs/persist/data btrfs /dev/vdb%s rw,nosuid,nodev rw\n",
			 row->partition);
		replace(&w, line);
		find(&w, "/rofs/persist/data")->device_major = 254;
		find(&w, "/rofs/persist/data")->device_minor = 16;
		snprintf(line, sizeof(line),
			 "14 11 0:40 /var/local/data btrfs /dev/vdb%s rw,nosuid,nodev rw\n",
			 row->persist);
		replace(&w, line);
		find(&w, "/var/local/data")->device_major = 254;
		find(&w, "/var/local/data")->device_minor = 16;
		look_for_partition(&w, 16);
		judge(&w);
		CHECK_INT(first(&w)->kind, row->kind);
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

	CHECK_EACH(path, paths)
	{
		_cleanup_(world_done) struct world w;

		prepare(&w, conf_text, healthy);
		find(&w, *path)->propagates = true;
		judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
		CHECK_INT(w.verdict.problems.n, 1);
		CHECK_INT(first(&w)->kind, PROBLEM_NOT_PRIVATE);
		CHECK_STR(first(&w)->path, *path);
	}
}

/* Its uppers would be in another pool: nothing but the table of mounts says so. */
static void test_partition_of_a_pool_is_not_mounted(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w,
		"[Root]\nTmp=no\n[Partition data]\nDevice=LABEL=data\n"
		"[Overlay /var]\nPartition=data\n",
		"1 0 254:0 / ext4 /dev/vda ro ro\n"
		"3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n"
		"6 3 0:40 /rofs/overlay/var" KEPT("/var") "8 1 0:40 /var" KEPT("/var"));
	judge(&w);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(first(&w)->kind, PROBLEM_POOL_NOT_MOUNTED);
	CHECK_STR(sentence(&w), "partition data is not mounted: /rofs/persist/data is on rofs "
				"(tmpfs), which is mounted on /rofs");
	CHECK(!w.verdict.overlays[0]);
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
		  "mount namespace may write to it" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_(world_done) struct world w;

		prepare(&w, conf_text, healthy);
		find(&w, "/")->read_only = row->mount;
		find(&w, "/")->fs_read_only = row->fs;
		if (row->other)
			add_mounts(&w.observed, "20 1 254:0 /mnt ext4 /dev/vda rw rw\n");
		judge(&w);
		CHECK_STR(sentence(&w), row->problem);
		CHECK_INT(w.verdict.state, row->problem ? VERDICT_PARTIAL : VERDICT_PROTECTED);
	}
}

/* Such as subvolumes of btrfs. */
static void test_all_writable_mounts_are_named(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	find(&w, "/")->fs_read_only = false;
	add_mounts(&w.observed, "20 1 254:0 /.snapshots ext4 /dev/vda[/@snapshots] rw rw\n"
				"21 1 254:0 /mnt/log ext4 /dev/vda[/@log] rw rw\n"
				"22 1 254:0 /opt ext4 /dev/vda[/@opt] ro rw\n");
	judge(&w);
	CHECK_INT(w.verdict.problems.n, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_INT(w.verdict.problems.items[i].kind, PROBLEM_ROOT_WRITABLE_MOUNT);
		CHECK_STR(w.verdict.problems.items[i].path, "/");
		CHECK_STR(w.verdict.problems.items[i].place, i ? "/mnt/log" : "/.snapshots");
	}
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
		prepare(&w, conf, healthy);
		replace(&w, line);
		judge(&w);
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
		add_mounts(&w.observed,
			   "1 0 254:0 / ext4 /dev/vda ro ro\n"
			   "2 1 0:30 /rofs" POOL "3 2 254:0 /rofs/ro ext4 /dev/vda ro ro\n");
		add_mounts(&w.observed, row->mount);
		add_mounts(&w.observed, "5 2 0:32 /rofs/overlay/home" OVERLAY(
						"/home") "6 1 0:32 /home" OVERLAY("/home"));
		add_mounts(&w.observed, row->late);
		judge(&w);
		CHECK_STR(sentence(&w), row->problem);
	}
}

static void test_partition_is_missing(void)
{
	_cleanup_(world_done) struct world w;
	_cleanup_free_ char *motd = NULL;

	prepare(&w, conf_text, healthy);
	unmount(&w, "/var/local/data");
	unmount(&w, "/rofs/persist/data");
	judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(!w.verdict.persists[0]);
	/* The device explains more than what waited for it. */
	CHECK_STR(first(&w)->units[0], "dev-disk-by\\x2dlabel-data.device");
	check_line(&w, "partial: /var/local/data is not on its partition data (LABEL=data): writes "
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
		prepare(&w, conf_text, healthy);
		unmount(&w, "/var/local/data");
		if (!row->partition)
			unmount(&w, "/rofs/persist/data");
		add_mounts(&w.observed, guard);
		if (row->data)
			add_mounts(&w.observed, data);
		judge(&w);
		CHECK_INT(w.verdict.persists[0], row->data);
		CHECK_INT(w.verdict.problems.n_errors, row->problem ? 1 : 0);
		if (row->problem)
			CHECK_STR(sentence(&w), row->problem);
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
		prepare(&w, conf, healthy);
		unmount(&w, "/var/local/data");
		unmount(&w, "/rofs/persist/data");
		if (*row->var) {
			unmount(&w, "/rofs/overlay/var");
			unmount(&w, "/var");
			add_mounts(&w.observed, kept);
		}
		judge(&w);
		CHECK_INT(w.verdict.problems.n_errors, 1);
		CHECK(!w.verdict.persists[0]);
		CHECK_STR(sentence(&w), row->problem);
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
		prepare(&w, text,
			"1 0 254:0 / ext4 /dev/vda ro ro\n"
			"3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n");
		add_mounts(&w.observed, row->mounts);
		judge(&w);
		CHECK_INT(w.verdict.overlays[0], row->problem == NULL);
		CHECK_INT(w.verdict.problems.n, row->problem ? 1 : 0);
		CHECK_STR(sentence(&w), row->problem);
		if (row->problem)
			CHECK_STR(first(&w)->units[0], "dev-disk-by\\x2dlabel-data.device");
	}
	check.label = NULL;
}

static void test_partition_turns_read_only(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	find(&w, "/rofs/persist/data")->fs_read_only = true;
	find(&w, "/var/local/data")->fs_read_only = true;
	judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strncmp(sentence(&w), "partition data (/dev/vdb) has become read-only", 46) == 0);
}

/* Then only the persist can say so. */
static void test_partition_turns_read_only_when_unmounted(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	unmount(&w, "/rofs/persist/data");
	find(&w, "/var/local/data")->fs_read_only = true;
	judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK_STR(sentence(&w), "the persist on /var/local/data is read-only: writes there fail");
}

static void test_layer_unmounted_behind_its_back(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	unmount(&w, "/rofs/overlay/srv");
	judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
	CHECK_INT(w.verdict.problems.n, 1);
	CHECK_INT(first(&w)->kind, PROBLEM_OVERLAY_SOURCE_UNMOUNTED);
	CHECK_INT(first(&w)->severity, DIAG_WARNING);
}

static void test_nothing_is_in_force(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, "1 0 254:0 / ext4 /dev/vda ro ro\n");
	judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strstr(sentence(&w), "nothing that rofs.conf declares") != NULL);
}

static void test_mistakes_count(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, "[Overlay /etc]\n[Overlay /var]\n[Overlay /srv]\nSize=8M\nSzie=1\n", healthy);
	judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	check_line(
		&w,
		"partial: /etc/rofs.conf:5: unknown key Szie= in [Overlay]; did you mean Size=?");
}

static void test_swap(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, healthy);
	w.observed.swaps = calloc(1, sizeof(*w.observed.swaps));
	w.observed.swaps[w.observed.n_swaps++] = strdup("/dev/vda3");
	judge(&w);
	CHECK_INT(w.verdict.problems.n_errors, 1);
	CHECK(strncmp(sentence(&w), "swap is active on /dev/vda3", 27) == 0);
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

		prepare(&w, conf_text, healthy);
		w.observed.storages[0].usage = (struct usage){ .known = true,
							       .size = 100,
							       .used = row->used,
							       .available = row->available,
							       .inodes = row->inodes,
							       .inodes_used = row->inodes_used };
		judge(&w);
		CHECK_INT(w.verdict.state, VERDICT_PROTECTED);
		CHECK_STR(sentence(&w), row->problem);
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

	prepare(&w, conf_text,
		"1 0 254:0 / ext4 /dev/vda ro ro\n"
		"2 3 0:1 / tmpfs a rw rw\n"
		"3 2 0:2 / tmpfs b rw rw\n"
		"4 1 0:3 / tmpfs c rw rw\n"
		"4 4 0:4 / tmpfs d rw rw\n"
		"5 4 0:4 /srv tmpfs d rw rw\n"
		"6 5 0:4 /srv tmpfs d rw rw\n"
		"5 6 0:4 /srv tmpfs d rw rw\n");
	CHECK(observed_at(&w.observed, "/srv/x") != NULL);
	judge(&w);
	CHECK_INT(w.verdict.state, VERDICT_PARTIAL);
}

static void test_no_mounts_at_all(void)
{
	_cleanup_(world_done) struct world w;

	prepare(&w, conf_text, "");
	CHECK(observed_at(&w.observed, "/srv") == NULL);
	judge(&w);
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
	test_something_else_is_there();
	test_directory_of_a_partition();
	test_device_is_absent();
	test_btrfs();
	test_subvolume();
	test_flags();
	test_layers();
	test_foreign_features();
	test_not_private();
	test_partition_of_a_pool_is_not_mounted();
	test_root_is_writable();
	test_all_writable_mounts_are_named();
	test_overlay_is_read_only();
	test_lower_of_fstab();
	test_partition_is_missing();
	test_guard_counts_as_nothing();
	test_volatile_persist_is_told();
	test_overlay_without_its_partition();
	test_partition_turns_read_only();
	test_partition_turns_read_only_when_unmounted();
	test_layer_unmounted_behind_its_back();
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
