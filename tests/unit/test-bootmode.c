/* SPDX-License-Identifier: MIT */
#include "plan/bootmode.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"

static void test_decisions(void)
{
	static const struct {
		const char *cmdline;
		enum boot_mode mode;
		const char *word;
	} rows[] = {
		{ "", BOOT_NORMAL, NULL },
		{ "root=/dev/sda1 ro quiet\n", BOOT_NORMAL, NULL },
		{ "rofs=off", BOOT_OFF, "rofs=off" },
		{ "ro rofs=no quiet", BOOT_OFF, "rofs=no" },
		{ "rofs=0\n", BOOT_OFF, "rofs=0" },
		{ "rofs=on", BOOT_NORMAL, NULL },
		{ "rofs=off rofs=on", BOOT_NORMAL, NULL },
		{ "rofs=on rofs=off", BOOT_OFF, "rofs=off" },
		{ "rofs=off rofs=yes rofs=no", BOOT_OFF, "rofs=no" },
		{ "rofs=off rofs=1 single", BOOT_NORMAL, NULL },
		{ "single", BOOT_RECOVERY, "single" },
		{ "s", BOOT_RECOVERY, "s" },
		{ "S", BOOT_RECOVERY, "S" },
		{ "1", BOOT_RECOVERY, "1" },
		{ "rescue", BOOT_RECOVERY, "rescue" },
		{ "emergency", BOOT_RECOVERY, "emergency" },
		{ "recovery nomodeset", BOOT_RECOVERY, "recovery" },
		{ "systemd.unit=rescue.target", BOOT_RECOVERY, "systemd.unit=rescue.target" },
		{ "systemd.unit=emergency.target", BOOT_RECOVERY, "systemd.unit=emergency.target" },
		{ "systemd.unit=multi-user.target", BOOT_NORMAL, NULL },
		{ "single rofs=on", BOOT_NORMAL, NULL },
		{ "rofs=yes emergency", BOOT_NORMAL, NULL },
		{ "rofs=off single", BOOT_OFF, "rofs=off" },
		{ "singleuser 11 xs s1 rofs=offx xrofs=off rofs=", BOOT_NORMAL, NULL },
		{ "ROFS=off Single", BOOT_NORMAL, NULL },
		{ "x=\"a single b\"", BOOT_NORMAL, NULL },
		{ "x=\"a\" single", BOOT_RECOVERY, "single" },
		{ "x=\"open single", BOOT_NORMAL, NULL },
		{ "  \t rofs=off  ", BOOT_OFF, "rofs=off" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *word = NULL;
		struct boot b = boot_decide(row->cmdline, false);

		check.label = row->cmdline;
		CHECK_INT(b.mode, row->mode);
		word = b.word ? strndup(b.word, (size_t)b.word_len) : NULL;
		CHECK_STR(word, row->word);
	}
	check.label = NULL;
}

static void test_switch_of_fstab(void)
{
	static const struct {
		const char *cmdline;
		bool is_read;
	} rows[] = {
		{ "", true },
		{ "ro fstab=no quiet\n", false },
		{ "fstab=0", false },
		{ "fstab=Off", false },
		{ "\"fstab=no\"", false },
		{ "fstab=yes", true },
		{ "fstab=no fstab", true },
		{ "fstab=no fstab=on", true },
		{ "fstab=on fstab=f", false },
		{ "fstab=no fstab=perhaps", false },
		{ "fstab=", true },
		{ "rd.fstab=no", true },
		{ "xfstab=no fstabs=no fstab_x=no", true },
	};

	CHECK_EACH(row, rows)
	{
		bool is_read = !row->is_read;

		check.label = row->cmdline;
		CHECK_INT(boot_reads_fstab(row->cmdline, &is_read), 0);
		CHECK_INT(is_read, row->is_read);
	}
	check.label = NULL;
}

static void test_initrd_comes_first(void)
{
	CHECK_INT(boot_decide("", true).mode, BOOT_INITRD);
	CHECK_INT(boot_decide("rofs=on", true).mode, BOOT_INITRD);
	CHECK_INT(boot_decide("rofs=off", true).mode, BOOT_INITRD);
}

static void test_words(void)
{
	CHECK(boot_has_word("ro rw quiet\n", "rw"));
	CHECK(!boot_has_word("root=rw rwx xrw x=\"a rw b\"", "rw"));
	CHECK(boot_has_word("ro systemd.volatile=yes", "systemd.volatile="));
	CHECK(boot_has_word("systemd.volatile=", "systemd.volatile="));
	CHECK(!boot_has_word("rd.systemd.volatile=yes systemd.volatile", "systemd.volatile="));
	CHECK(!boot_has_word("", "rw"));
}

static void test_skips_fsck(void)
{
	CHECK(boot_skips_fsck("ro fsck.mode=skip quiet\n"));
	CHECK(boot_skips_fsck("fsck.mode=auto fsck.mode=skip"));
	CHECK(boot_skips_fsck("ro fastboot\n"));
	CHECK(!boot_skips_fsck("fsck.mode=skip fsck.mode=force"));
	CHECK(!boot_skips_fsck("fsck.mode=skipped rd.fsck.mode=skip fastboot=1"));
	CHECK(!boot_skips_fsck(""));
}

static void test_mounts_writable(void)
{
	CHECK(boot_mounts_writable("root=/dev/sda1 rw quiet\n"));
	CHECK(boot_mounts_writable("ro quiet rw"));
	CHECK(!boot_mounts_writable("rw quiet ro"));
	CHECK(!boot_mounts_writable("ro quiet"));
	CHECK(!boot_mounts_writable("rw=1 rwx xrw \"a rw\""));
	CHECK(!boot_mounts_writable(""));
}

static void test_forces_fsck(void)
{
	CHECK_STR(boot_forces_fsck("ro fsck.mode=force quiet\n"), "fsck.mode=force");
	CHECK_STR(boot_forces_fsck("forcefsck"), "forcefsck");
	CHECK(!boot_forces_fsck("fsck.mode=force fsck.mode=auto"));
	CHECK(!boot_forces_fsck("fsck.mode=forced rd.fsck.mode=force forcefsck=1 fsck.repair=yes"));
	CHECK(!boot_forces_fsck(""));
}

static void test_values(void)
{
	static const struct {
		const char *cmdline, *value;
	} rows[] = {
		{ "", NULL },
		{ "rootflags", NULL },
		{ "xrootflags=a rd.rootflags=b", NULL },
		{ "ro rootflags=nosuid,nodev quiet\n", "nosuid,nodev" },
		{ "rootflags=a rootflags=b", "b" },
		{ "rootflags=", "" },
		{ "rootflags=\"a b\"", "a b" },
		{ "rootflags=\"", "\"" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *value = NULL;

		check.label = row->cmdline;
		CHECK_INT(boot_value(row->cmdline, "rootflags=", &value), 0);
		CHECK_STR(value, row->value);
	}
	check.label = NULL;
}

static int join(void *data, const char *value)
{
	strcat(data, "[");
	strcat(data, value);
	strcat(data, "]");
	return 0;
}

static void test_each_value(void)
{
	static const struct {
		const char *cmdline, *values;
	} rows[] = {
		{ "", "" },
		{ "a-b=1 x a-b=2\n", "[1][2]" },
		{ "a_b=1 a.b=2 a-b a-bc=3 xa-b=4", "[1]" },
		{ "\"a-b=1 2\" a-b=\"3 4\" a-b=", "[1 2][3 4][]" },
	};

	CHECK_EACH(row, rows)
	{
		char values[64] = "";

		check.label = row->cmdline;
		CHECK_INT(boot_each_value(row->cmdline, "a-b=", join, values), 0);
		CHECK_STR(values, row->values);
	}
	check.label = NULL;
}

int main(void)
{
	test_each_value();
	test_values();
	test_decisions();
	test_words();
	test_skips_fsck();
	test_switch_of_fstab();
	test_forces_fsck();
	test_mounts_writable();
	test_initrd_comes_first();
	return check_done();
}
