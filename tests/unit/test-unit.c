/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "check.h"
#include "model.h"

#define DATA "[Partition data]\nDevice=LABEL=data\n"

static void render(struct model *m, const char *text)
{
	CHECK_INT(model_read(m, text), 0);
	CHECK_INT(model_look(m, NULL), 0);
	CHECK_INT(model_plan(m), 0);
	CHECK_INT(model_render(m), 0);
}

static void check_line(const struct model *m, const char *unit, const char *line)
{
	const char *text = model_unit(m, unit), *at;

	check.label = unit;
	if (CHECK(text != NULL)) {
		at = strstr(text, line);
		if (!at || (at > text && at[-1] != '\n') || at[strlen(line)] != '\n')
			CHECK_STR(text, line);
	}
	check.label = NULL;
}

static void test_persist_paths_as_systemd_reads_them(void)
{
	static const struct {
		const char *path, *unit, *where;
	} rows[] = {
		{ "/v/a b", "v-a\\x20b.mount", "Where=/v/a b" },
		{ "/v/100%", "v-100\\x25.mount", "Where=/v/100%%" },
		{ "/v/a\\", "v-a\\x5c.mount", "Where=/v/a\\/" },
		{ "/v/a\\\\", "v-a\\x5c\\x5c.mount", "Where=/v/a\\\\/" },
		{ "/v/a /", "v-a\\x20.mount", "Where=/v/a /" },
		{ "/v/\"q\"", "v-\\x22q\\x22.mount", "Where=/v/\"q\"" },
		{ "/v/$HOME", "v-\\x24HOME.mount", "Where=/v/$HOME" },
		{ "/v/\xc3\xa4", "v-\\xc3\\xa4.mount", "Where=/v/\xc3\xa4" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		char text[256];

		snprintf(text, sizeof(text),
			 "[Overlay /v]\n" DATA "[Persist %s]\nPartition=data\nDirectory=%s\n",
			 row->path, row->path);
		render(&m, text);
		check_line(&m, row->unit, row->where);
	}
}

static void test_links_come_last(void)
{
	_cleanup_model_ struct model m = { 0 };

	render(&m, "[Overlay /v]\n[Overlay /w]\nSize=1M\n" DATA
		   "[Persist /v/p]\nPartition=data\nDirectory=/x\n");
	CHECK(m.set.first_link > 0 && m.set.first_link < m.set.n_files);
	for (size_t i = 0; i < m.set.n_files; i++)
		CHECK_INT(strncmp(m.set.files[i].name, "local-fs.target.", 16) == 0 ||
				  strstr(m.set.files[i].name, ".device.wants/") != NULL,
			  i >= m.set.first_link);
	for (size_t i = m.set.first_link; i < m.set.n_files; i++)
		CHECK(m.set.files[i].link);
}

/* Whatever is declared, even with nothing but mistakes. */
static void test_somebody_verifies(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(model_read(&m, "[Overlay relative]\n"), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(model_render(&m), 0);
	CHECK_STR(model_unit(&m, "local-fs.target.wants/rofs-verify.service"),
		  "/lib/systemd/system/rofs-verify.service");
	CHECK_STR(model_unit(&m, "local-fs.target.wants/rofs-watch.timer"),
		  "/lib/systemd/system/rofs-watch.timer");
}

#define WANTS	    "dev-disk-by\\x2dlabel-data.device.wants/"
#define OTHER_WANTS "dev-other.device.wants/"
#define OTHER	    "[Partition other]\nDevice=/dev/other\n"

/* What a device mounts that appears late: all whose paths nobody can have written to. */
static void test_late_device(void)
{
	static const struct {
		const char *conf, *link;
		bool wanted;
	} rows[] = {
		{ "[Persist /p]\nPartition=data\n", WANTS "p.mount", true },
		{ "[Persist /p]\nPartition=data\n", WANTS "rofs-verify.service", true },
		{ "[Persist /p]\nPartition=data\nIfMissing=emergency\n", WANTS "p.mount", true },
		{ "[Overlay /v]\n[Persist /v/p]\nPartition=data\nIfMissing=volatile\n",
		  WANTS "v-p.mount", false },
		{ "[Overlay /v]\n[Persist /v/p]\nPartition=data\nIfMissing=volatile\n",
		  WANTS "rofs-verify.service", false },
		{ "[Overlay /v]\n", WANTS "v.mount", false },
		{ "[Overlay /v]\nPartition=data\n", WANTS "v.mount", true },
		{ "[Overlay /v]\nPartition=data\nIfMissing=emergency\n", WANTS "v.mount", true },
		{ "[Overlay /v]\nPartition=data\nIfMissing=volatile\n", WANTS "v.mount", false },
		/* It would hide what is mounted below it. */
		{ "[Overlay /v]\nPartition=data\n[Overlay /v/w]\n", WANTS "v.mount", false },
		{ "[Overlay /v]\nPartition=data\n[Overlay /w]\n", WANTS "v.mount", true },
		/* What has waited for it, on whichever partition. */
		{ "[Overlay /v]\nPartition=data\n[Persist /v/p]\nPartition=other\n" OTHER,
		  WANTS "v-p.mount", true },
		{ "[Overlay /v]\nPartition=data\n[Persist /v/p]\nPartition=other\n" OTHER,
		  OTHER_WANTS "v-p.mount", true },
		{ "[Overlay /v]\nPartition=data\n[Persist /w]\nPartition=other\n" OTHER,
		  WANTS "w.mount", false },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		_cleanup_free_ char *conf = NULL;

		CHECK(asprintf(&conf, DATA "%s", row->conf) >= 0);
		render(&m, conf);
		CHECK_INT(model_unit(&m, row->link) != NULL, row->wanted);
	}
}

/* Before Linux 6.1 a file in RAM has no guard, and may have been written to. */
static void test_late_file(void)
{
	static const struct link_fact file[] = { { "/v/f", "/v/f", PATH_FILE }, { 0 } };
	static const struct {
		unsigned major, minor;
		bool wanted;
	} rows[] = {
		{ 0, 0, true }, { 5, 10, false }, { 6, 0, false }, { 6, 1, true }, { 7, 0, true },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		CHECK_INT(model_read(&m, DATA "[Overlay /v]\n[Persist /v/f]\nPartition=data\n"
					      "Kind=file\nDirectory=/f\n[Persist /v/d]\n"
					      "Partition=data\nDirectory=/d\n"),
			  0);
		CHECK_INT(model_look(&m, file), 0);
		m.facts.kernel_major = row->major;
		m.facts.kernel_minor = row->minor;
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(model_render(&m), 0);
		CHECK_INT(model_unit(&m, WANTS "v-f.mount") != NULL, row->wanted);
		CHECK_STR(model_unit(&m, WANTS "v-d.mount"), "../v-d.mount");
	}
}

/* One directory for a device of two sections, in which each link is once. */
static void test_late_device_of_two_partitions(void)
{
	_cleanup_model_ struct model m = { 0 };
	size_t n = 0;

	render(&m, DATA "[Partition again]\nDevice=LABEL=data\n"
			"[Persist /p]\nPartition=data\n[Persist /q]\nPartition=again\n"
			"[Overlay /v]\nPartition=data\n[Persist /v/p]\nPartition=again\n"
			"Directory=/x\n");
	for (size_t i = 0; i < m.set.n_files; i++)
		n += strcmp(m.set.files[i].name, WANTS "rofs-verify.service") == 0;
	CHECK_INT(n, 1);
}

/* A file system of fstab that is a lower. */
static void test_late_lower(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(model_read(&m, "[Overlay /home]\n[Overlay /v]\n"), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "/dev/sdb", "/home", "ext4", "defaults");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(model_render(&m), 0);
	CHECK_STR(model_unit(&m, "dev-sdb.device.wants/home.mount"), "../home.mount");
	CHECK(!model_unit(&m, "dev-sdb.device.wants/v.mount"));
	/* systemd's own timeout stays. */
	CHECK(!model_unit(&m, "dev-sdb.device.d/50-rofs-lower-0.conf"));
}

static void test_emergency_is_required(void)
{
	_cleanup_model_ struct model m = { 0 };

	render(&m, DATA
	       "[Overlay /v]\nPartition=data\nIfMissing=emergency\n"
	       "[Persist /p]\nPartition=data\nDirectory=/p\nIfMissing=emergency\n[Overlay /w]\nIfMissing=emergency\n");
	CHECK_STR(model_unit(&m, "local-fs.target.requires/v.mount"), "../v.mount");
	CHECK_STR(model_unit(&m, "local-fs.target.requires/p.mount"), "../p.mount");
	CHECK(!model_unit(&m, "local-fs.target.wants/v.mount"));
	/* Without a partition nothing can be missing. */
	CHECK_STR(model_unit(&m, "local-fs.target.wants/w.mount"), "../w.mount");
}

static void test_fstab_copy(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(model_read(&m, "[Root]\n"), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "LABEL=a b\\#", "/", "ext4", "rw,errors=remount-ro");
	model_add_fstab(&m, "/dev/sdb", "/mnt/x\ty", "vfat", "uid=1,rw");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(model_render(&m), 0);
	check_line(&m, "rofs.fstab", "LABEL=a\\040b\\134\\043 / ext4 ro,errors=remount-ro 0 2");
	check_line(&m, "rofs.fstab", "/dev/sdb /mnt/x\\011y vfat uid=1,rw 0 2");
}

/* No field of fstab ends a line, continues one, or starts a specifier. */
static void test_fstab_fields_in_units(void)
{
	static const struct {
		const char *spec, *type, *options, *line;
	} rows[] = {
		{ "/dev/sd%a", "ext4", "ro", "What=/dev/sd%%a" },
		{ "/dev/sda", "ext%4", "ro", "Type=ext%%4" },
		{ "/dev/sda", "ext4", "x=%h", "Options=ro,x=%%h" },
		{ "tmp fs", "tmpfs", "ro", "What=tmp fs" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		CHECK_INT(model_read(&m, "[Overlay /home]\n"), 0);
		CHECK_INT(model_look(&m, NULL), 0);
		model_add_fstab(&m, row->spec, "/home", row->type, row->options);
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(model_render(&m), 0);
		check_line(&m, "rofs-ro-home.mount", row->line);
	}
}

/* A backslash at the end of a line would pull the next one into it. */
static void test_no_line_continues(void)
{
	static const char *const values[] = { "\\", "a\\", "a\\\\\\" };

	CHECK_EACH(row, values)
	{
		for (int field = 0; field < 3; field++) {
			_cleanup_model_ struct model m = { 0 };
			char spec[32];

			snprintf(spec, sizeof(spec), "/dev/%s", field == 0 ? *row : "sda");
			CHECK_INT(model_read(&m, "[Overlay /home]\n"), 0);
			CHECK_INT(model_look(&m, NULL), 0);
			model_add_fstab(&m, spec, "/home", field == 1 ? *row : "ext4",
					field == 2 ? *row : "ro");
			CHECK_INT(model_plan(&m), 0);
			CHECK_INT(model_render(&m), 0);
			for (size_t i = 0; i < m.set.n_files; i++)
				if (!m.set.files[i].link && strstr(m.set.files[i].text, "\\\n"))
					CHECK_STR(m.set.files[i].text, "no line that continues");
		}
	}
	CHECK(true);
}

/* The command line of rofs-prepare: systemd replaces $ and % there (systemd.service(5), "Command lines"). */
static void test_dollar_in_command_line(void)
{
	_cleanup_model_ struct model m = { 0 };

	/* A lower of its own gives the overlay a run of its own. */
	CHECK_INT(model_read(&m, "[Overlay /srv/${HOME}]\nSize=1M\n"), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "/dev/sda1", "/srv/${HOME}", "ext4", "defaults");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(model_render(&m), 0);
	check_line(&m, "rofs-prepare-rw-srv-\\x24\\x7bHOME\\x7d.service",
		   "ExecStart=/usr/lib/rofs/rofs-prepare overlay /srv/$${HOME}");
}

/* systemd splits, unquotes and expands a command line; a persist may hold anything printable. */
static void test_guard_takes_the_path_as_one_word(void)
{
	_cleanup_model_ struct model m = { 0 };
	static const char unit[] = "rofs-prepare-guard-srv-a\\x20\\x22\\x27\\x5c\\x25\\x24.service";

	CHECK_INT(model_read(&m, DATA "[Persist /srv/a \"'\\%$]\nPartition=data\n"), 0);
	CHECK_INT(model_look(&m, NULL), 0);
	model_add_fstab(&m, "/dev/sda1", "/srv", "ext4", "defaults");
	CHECK_INT(model_plan(&m), 0);
	CHECK_INT(model_render(&m), 0);
	check_line(&m, unit,
		   "ExecStart=/usr/lib/rofs/rofs-prepare guard "
		   "/srv/a\\x20\\x22\\x27\\x5c%%$$");
	check_line(&m, unit, "ExecStop=-/bin/umount /srv/a\\x20\\x22\\x27\\x5c%%$$");
}

static void test_corrupt_partition_starts_no_emergency(void)
{
	_cleanup_model_ struct model m = { 0 };

	render(&m, DATA "[Persist /p]\nPartition=data\n");
	check_line(&m,
		   "systemd-fsck@dev-disk-by\\x2dlabel-data.service.d/50-rofs-persist-data.conf",
		   "InaccessiblePaths=-/run/systemd/private -/run/dbus");
}

/* A hang must not stop the boot for ever; what works on a whole medium takes as long as that needs. */
static void test_starts_are_limited(void)
{
	_cleanup_model_ struct model m = { 0 };

	render(&m, "[Overlay /v]\n" DATA "[Persist /p]\nPartition=data\nDirectory=/p\n"
		   "[Partition old]\nDevice=LABEL=old\n[Persist /q]\nPartition=old\nDirectory=/q\n"
		   "Populate=yes\n"
		   "[Partition new]\nDevice=PARTLABEL=new\nType=ext4\nFormat=yes\nGrow=yes\n"
		   "[Persist /r]\nPartition=new\nDirectory=/r\n");
	check_line(&m, "rofs-prepare.service", "TimeoutStartSec=5min");
	check_line(&m, "rofs-prepare-persist-data.service", "TimeoutStartSec=5min");
	check_line(&m, "rofs-prepare-persist-old.service", "TimeoutStartSec=infinity");
	check_line(&m, "rofs-format-new.service", "TimeoutStartSec=infinity");
	check_line(&m, "rofs-grow-new.service", "TimeoutStartSec=infinity");
}

static void test_same_text_each_time(void)
{
	_cleanup_model_ struct model a = { 0 }, b = { 0 };
	static const char text[] = "[Overlay /v]\n[Overlay /e]\n" DATA
				   "[Persist /v/p]\nPartition=data\n";

	render(&a, text);
	render(&b, text);
	CHECK_INT(a.set.n_files, b.set.n_files);
	for (size_t i = 0; i < a.set.n_files; i++) {
		CHECK_STR(a.set.files[i].name, b.set.files[i].name);
		CHECK_STR(a.set.files[i].text, b.set.files[i].text);
	}
}

static bool is_meant(const char *line, size_t n)
{
	static const char *const keys[] = {
		"Description=",
		"Documentation=",
		"SourcePath=",
		"DefaultDependencies=no",
		"Requires=",
		"Wants=",
		"After=",
		"Before=",
		"Conflicts=",
		"RequiresMountsFor=\"",
		"AssertPathExists=" PLAN_PREPARED_DIR "/",
		"What=",
		"Where=",
		"Type=",
		"Options=",
		"RefuseManualStop=yes",
		"IgnoreOnIsolate=yes",
		"Slice=system.slice",
		"ConditionPathExists=/sys/block/%j/comp_algorithm",
		"LogLevelMax=notice",
		"LazyUnmount=yes",
		"SuccessAction=reboot-force",
		"ConditionPathExists=/rofs/commit",
		"ExecStart=/usr/lib/rofs/rofs-finish",
		"ExecStart=/usr/lib/rofs/rofs-prepare ",
		"ExecStart=/usr/lib/rofs/rofs-format ",
		"ExecStop=-/bin/umount ",
		"ExecStartPre=-/usr/lib/rofs/rofs-superblock /dev/",
		"AssertPathIsMountPoint=/rofs",
		"AssertPathExists=/rofs/rw/",
		"ConditionPathExists=|!/rofs/rw/",
		"InaccessiblePaths=-/run/systemd/private -/run/dbus",
		"RemainAfterExit=yes",
		"TimeoutStartSec=5min",
		"TimeoutStartSec=infinity",
		"CapabilityBoundingSet=CAP_",
		"SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap",
		"SystemCallErrorNumber=EPERM",
		"SystemCallArchitectures=native",
		"NoNewPrivileges=yes",
		"RestrictAddressFamilies=AF_UNIX",
		"RestrictNamespaces=yes",
		"RestrictNamespaces=mnt",
		"RestrictRealtime=yes",
		"LockPersonality=yes",
		"MemoryDenyWriteExecute=yes",
		"JobRunningTimeoutSec=",
		"[Unit]",
		"[Mount]",
		"[Service]",
		"#",
		"Environment=SYSTEMD_FSTAB=/run/systemd/generator.early/rofs.fstab",
		"Environment=LIBMOUNT_FSTAB=/run/systemd/generator.early/rofs.fstab",
		"Environment=SYSTEMD_REMOUNT_ROOT_RW=0",
	};

	if (n == 0)
		return true;
	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (strncmp(line, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

/* Whatever is declared: no line in a unit that the renderer did not mean, and none that continues. */
static void test_nothing_is_injected(void)
{
	static const char letters[] = "ab\\ %\"'$;#[]=.-\t,:\xc3\xa4";
	uint32_t state = 11;

	for (int i = 0; i < 3000; i++) {
		_cleanup_model_ struct model m = { 0 };
		char a[13], b[13], c[13], text[256];

		check_random_string(&state, letters, 12, a);
		check_random_string(&state, letters, 12, b);
		check_random_string(&state, letters, 12, c);
		snprintf(
			text, sizeof(text),
			"[Overlay /v]\n[Persist /v/%s]\nPartition=d\nDirectory=/%s\n[Partition d]\nDevice=LABEL=%s\n"
			"[Overlay /w/%s]\nSize=1M\nStartEmpty=%s\n",
			a, b, c, b, c);
		m.facts.zram_unit_exists = true;
		if (model_read(&m, text) < 0 || model_look(&m, NULL) < 0 || model_plan(&m) < 0 ||
		    model_render(&m) < 0)
			CHECK_STR(text, "");

		for (size_t j = 0; j < m.set.n_files; j++) {
			const char *line = m.set.files[j].text;

			if (m.set.files[j].link || strcmp(m.set.files[j].name, UNIT_FSTAB) == 0)
				continue;
			for (size_t n; *line; line += n + 1) {
				n = strcspn(line, "\n");
				if (!is_meant(line, n) || (n > 0 && line[n - 1] == '\\'))
					CHECK_STR(m.set.files[j].text, text);
			}
		}
	}
	CHECK(true);
}

int main(void)
{
	test_persist_paths_as_systemd_reads_them();
	test_links_come_last();
	test_somebody_verifies();
	test_late_device();
	test_late_file();
	test_late_device_of_two_partitions();
	test_late_lower();
	test_emergency_is_required();
	test_fstab_copy();
	test_fstab_fields_in_units();
	test_no_line_continues();
	test_dollar_in_command_line();
	test_guard_takes_the_path_as_one_word();
	test_corrupt_partition_starts_no_emergency();
	test_starts_are_limited();
	test_same_text_each_time();
	test_nothing_is_injected();
	return check_done();
}
