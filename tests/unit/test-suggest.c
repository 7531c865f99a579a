/* SPDX-License-Identifier: MIT */
/* rofs suggest in memory: what is decided for a machine, and how it is printed. */
#include "rofs/suggest/decide.h"

#include "check.h"

static struct fstab_entry fstab[] = {
	{ .spec = (char *)"LABEL=root",
	  .dir = (char *)"/",
	  .type = (char *)"ext4",
	  .options = (char *)"defaults",
	  .line = 1 },
};

static const struct facts facts = { .fstab = fstab, .n_fstab = 1 };

struct row {
	const char *label;
	struct machine_device devices[2];
	size_t n_devices;
	const char *expected; /* part of the text */
};

static char *text_of(const struct machine *m)
{
	_cleanup_suggestion_ struct suggestion s = { 0 };
	char *text = NULL;

	CHECK_INT(decide(m, &s), 0);
	CHECK_INT(suggestion_print(&s, &text), 0);
	return text;
}

static void check_has(const char *text, const char *part)
{
	if (!CHECK(strstr(text, part) != NULL))
		fprintf(stderr, "%s\nis not in\n%s\n", part, text);
}

static void fill(struct machine *m)
{
	m->facts = &facts;
	m->has_machine_id = true;
	m->memory_bytes = (uint64_t)1 << 30;
	CHECK_INT(machine_add_dir(&m->directories, "/etc"), 0);
	CHECK_INT(machine_add_dir(&m->directories, "/var"), 0);
	CHECK_INT(machine_add_path(m, "/var/lib/mysql", USE_DATA, "MariaDB", NULL), 0);
	m->paths[0].found = FOUND_CONTENT;
	m->paths[0].bytes = (uint64_t)300 << 20;
}

static void test_devices(void)
{
	static const struct row rows[] = {
		{ "none", { { 0 } }, 0, "#[Partition data]\n#Device=LABEL=data\n" },
		{ "by label",
		  { { "UUID=1", "/dev/vdb", "ext4", NULL, (uint64_t)9 << 30 },
		    { "LABEL=my-data", "/dev/vdc", "ext4", "my-data", (uint64_t)1 << 30 } },
		  2,
		  "# /dev/vdc, ext4, 1 GiB, label my-data: neither mounted nor in /etc/fstab. What must be\n"
		  "# kept is written below /rofs on it; what else it holds is not touched.\n"
		  "[Partition my-data]\nDevice=LABEL=my-data\n" },
		{ "the largest",
		  { { "UUID=1", "/dev/vdb", "ext4", NULL, (uint64_t)1 << 30 },
		    { "UUID=2", "/dev/vdc", "xfs", "x", (uint64_t)2 << 30 } },
		  2,
		  "[Partition x]\nDevice=UUID=2\n" },
		{ "the one with room",
		  { { "LABEL=data", "/dev/vdb", "ext4", "data", (uint64_t)64 << 20 },
		    { "LABEL=server", "/dev/vdc", "ext4", "server", (uint64_t)2 << 30 } },
		  2,
		  "[Partition server]\nDevice=LABEL=server\n" },
		{ "not without owners",
		  { { "LABEL=data", "/dev/vdb", "vfat", "data", (uint64_t)9 << 30 },
		    { "UUID=2", "/dev/vdc", "btrfs", NULL, (uint64_t)1 << 30 } },
		  2,
		  "[Partition data]\nDevice=UUID=2\n" },
		{ "name that no section can have",
		  { { "UUID=1", "/dev/vdb", "ext4", "-\xc3\xa4 %", (uint64_t)1 << 30 } },
		  1,
		  "[Partition data]\nDevice=UUID=1\n" },
		{ "too small",
		  { { "UUID=1", "/dev/vdb", "ext4", NULL, (uint64_t)320 << 20 } },
		  1,
		  "# 1. Make room: 300 MiB are copied to the partition /dev/vdb, which has 320 MiB." },
	};

	CHECK_EACH(row, rows)
	{
		struct machine m = { 0 };
		char *text;

		check.label = row->label;
		fill(&m);
		m.devices = (struct machine_device *)row->devices;
		m.n_devices = row->n_devices;
		text = text_of(&m);
		check_has(text, row->expected);
		check_has(text, "[Persist /var/lib/mysql]\n");
		m.devices = NULL;
		m.n_devices = 0;
		machine_done(&m);
		free(text);
	}
	check.label = NULL;
}

/* A partition of fstab that is not there now is no place for data. */
static void test_absent(void)
{
	static struct fstab_entry lines[] = {
		{ .spec = (char *)"LABEL=root",
		  .dir = (char *)"/",
		  .type = (char *)"ext4",
		  .options = (char *)"defaults",
		  .line = 1 },
		{ .spec = (char *)"LABEL=usb-data",
		  .dir = (char *)"/mnt/usb",
		  .type = (char *)"ext4",
		  .options = (char *)"nofail",
		  .line = 2,
		  .passno = 2 },
		{ .spec = (char *)"LABEL=data",
		  .dir = (char *)"/data",
		  .type = (char *)"ext4",
		  .options = (char *)"defaults,x-systemd.device-timeout=5s",
		  .line = 3,
		  .passno = 2 },
		{ .spec = (char *)"LABEL=disk",
		  .dir = (char *)"/disk",
		  .type = (char *)"ext4",
		  .options = (char *)"defaults",
		  .line = 4,
		  .passno = 2 },
	};
	static const struct facts more = { .fstab = lines, .n_fstab = 4 };
	_cleanup_machine_ struct machine m = { 0 };
	_cleanup_free_ char *text = NULL;

	fill(&m);
	m.facts = &more;
	CHECK_INT(machine_add_dir(&m.absent, "/mnt/usb"), 0);
	CHECK_INT(machine_add_dir(&m.absent, "/data"), 0);
	text = text_of(&m);
	check_has(text, "# Left to fstab: /mnt/usb, whose device is not mounted now.\n");
	check_has(text, "[Partition data]\nDevice=LABEL=data\n# As in fstab.\nTimeout=5s\n");
	check_has(text, "[Persist /data]\nPartition=data\n");
	check_has(text, "[Persist /var/lib/mysql]\nPartition=disk\n");

	CHECK_INT(machine_add_dir(&m.foreign, "/disk"), 0);
	m.unread = true;
	free(text);
	text = text_of(&m);
	check_has(text, "#[Persist /var/lib/mysql]\n");
	check_has(text, "[Persist /disk]\nPartition=disk\n");
	check_has(text, "# Some files and directories could not be read");
}

/* The more important use counts, in whatever order they are found. */
static void test_uses(void)
{
	static const enum path_use both[][2] = {
		{ USE_CACHE, USE_DATA },
		{ USE_DATA, USE_CACHE },
	};

	CHECK_EACH(row, both)
	{
		_cleanup_machine_ struct machine m = { 0 };

		for (size_t i = 0; i < 2; i++)
			CHECK_INT(machine_add_path(&m, "/var/x", (*row)[i],
						   (*row)[i] == USE_DATA ? "data" : "cache", NULL),
				  0);
		CHECK_INT(m.n_paths, 1);
		CHECK_INT(m.paths[0].use, USE_DATA);
		CHECK_STR(m.paths[0].who, "data");
	}
}

/* What others have named stays in its comment, and cannot become a section. */
static void test_comments(void)
{
	_cleanup_suggestion_ struct suggestion s = { 0 };
	_cleanup_free_ char *text = NULL;
	struct suggested_section *section;

	CHECK_INT(suggested_text_add(&s.intro, "%s", "one\n[Overlay /x]\033[31m two"), 0);
	CHECK_INT(suggested_text_add(&s.steps, "%s", "do"), 0);
	CHECK_INT(suggestion_add(&s, CONF_OVERLAY, "/var", &section, "%s", "why"), 0);
	CHECK_INT(suggestion_explain(section, "%s", "and"), 0);
	CHECK_INT(suggested_section_set(section, "how", "Size=%d%%", 5), 0);
	CHECK_INT(suggestion_add(&s, CONF_ROOT, NULL, &section, "%s", "later"), 0);
	CHECK_INT(suggested_section_set(section, NULL, "Swap=no"), 0);
	section->commented = true;
	CHECK_INT(suggested_text_add(&s.notes, "%s", "note"), 0);
	CHECK_INT(suggestion_print(&s, &text), 0);
	CHECK_STR(text, "# one\\x0a[Overlay /x]\\x1b[31m two\n"
			"#\n# Before the reboot:\n#\n# 1. do\n"
			"\n# why\n# and\n[Overlay /var]\n# how\nSize=5%\n"
			"\n# later\n#[Root]\n#Swap=no\n"
			"\n# note\n");
}

static void test_wrapping(void)
{
	_cleanup_suggestion_ struct suggestion s = { 0 };
	_cleanup_free_ char *text = NULL;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_INT(suggested_text_add(&s.intro, "a %s b", path), 0);
	CHECK_INT(suggestion_print(&s, &text), 0);
	CHECK_INT(strncmp(text, "# a\n# xxx", 9), 0);
	CHECK_STR(text + strlen(text) - 8, "xxx\n# b\n");
}

int main(void)
{
	test_devices();
	test_absent();
	test_uses();
	test_comments();
	test_wrapping();
	return check_done();
}
