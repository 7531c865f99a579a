/* SPDX-License-Identifier: MIT */
#include "verdict/problem.h"

#include <stdlib.h>

#include "basic/macro.h"
#include "check.h"
#include "plan/mount-flags.h"

static const struct storage storage = {
	.kind = STORAGE_OWN,
	.name = "/srv",
	.dir = "/rofs/rw/srv",
	.unit = "rofs-rw-srv.mount",
	.usage = { .known = true, .used = 80, .available = 20, .inodes = 10, .inodes_used = 9 },
};
static const struct diag_entry entry = { .level = DIAG_WARNING,
					 .pos = { "/etc/rofs.conf", 7 },
					 .text = (char *)"text",
					 .about = { PROBLEM_CACHE_IN_RAM, "/var", NULL } };

/* A problem that has all that a sentence can name. */
static struct problem full(enum problem_kind kind)
{
	return (struct problem){ .kind = kind,
				 .path = "/path",
				 .partition = "part",
				 .unit = "a\\x2db.mount",
				 .device = "/dev/x",
				 .place = "/place",
				 .type = "tmpfs",
				 .declared = "/declared",
				 .origin = "/origin",
				 .directory = "/directory",
				 .fs_options = "rw,upperdir=/u,metacopy=on",
				 .flags = MOUNT_NOSUID | MOUNT_NOEXEC,
				 .sectors = 16,
				 .storage = &storage,
				 .entry = &entry };
}

static void test_each_kind_has_a_name_and_a_sentence(void)
{
	for (enum problem_kind i = PROBLEM_CONFIGURATION; i < _PROBLEM_KIND_MAX; i++) {
		const struct problem p = full(i);
		_cleanup_free_ char *text = NULL;

		check.label = problem_kind_to_string(i);
		for (enum problem_kind j = PROBLEM_NONE; j < i; j++)
			CHECK(strcmp(problem_kind_to_string(i), problem_kind_to_string(j)) != 0);
		CHECK_INT(problem_format(&p, &text), 0);
		CHECK(text && *text && !strpbrk(text, "{}\n"));
	}
	check.label = NULL;
}

static void test_sentences(void)
{
	static const struct {
		enum problem_kind kind;
		const char *text;
	} rows[] = {
		{ PROBLEM_CONFIGURATION, "/etc/rofs.conf:7: warning: text" },
		{ PROBLEM_OVERLAY_MISSING, "/path has no overlay: writes there fail" },
		{ PROBLEM_SPACE_LOW, "the RAM pool of /srv is 80% full (80 B of 100 B); rofs diff "
				     "--sort=size shows what fills it" },
		{ PROBLEM_FLAGS_MISSING,
		  "/path is mounted without nosuid,noexec, which rofs.conf or fstab requires" },
		{ PROBLEM_OVERLAY_WRONG_LAYERS,
		  "the overlay on /path is not the declared one: it has upperdir=/u" },
		{ PROBLEM_OVERLAY_WRONG_FEATURES,
		  "the overlay on /path is mounted with metacopy=on, which rofs never uses" },
		{ PROBLEM_PERSIST_WRONG_DIRECTORY,
		  "/path shows the directory /directory of partition part instead of /declared" },
		{ PROBLEM_CONFIGURATION_CHANGED,
		  "rofs.conf or fstab has changed since boot, and so has a\\x2db.mount; the change "
		  "takes effect at the next boot" },
		{ PROBLEM_ROOT_WRITTEN,
		  "16 sectors were written to /dev/x, the device of /path, in "
		  "this boot, although /path is read-only" },
	};

	CHECK_EACH(row, rows)
	{
		const struct problem p = full(row->kind);
		_cleanup_free_ char *text = NULL;

		CHECK_INT(problem_format(&p, &text), 0);
		CHECK_STR(text, row->text);
	}
}

/* Whoever may mount names the source as they like. */
static void test_foreign_bytes_are_escaped(void)
{
	struct problem p = full(PROBLEM_OVERLAY_COVERED);
	_cleanup_free_ char *text = NULL;

	p.device = "a\x1b[31m\nb\xc2\x9b";
	p.place = "/pl\xff"
		  "ce";
	p.directory = "/a\nb";
	p.fs_options = "rw,lowerdir=/a\x1b";
	CHECK_INT(problem_format(&p, &text), 0);
	CHECK_STR(text, "the overlay on /path is covered: a\\x1b[31m\\x0ab\\xc2\\x9b (tmpfs) is "
			"mounted over it, on /pl\\xffce");
	p.kind = PROBLEM_OVERLAY_WRONG_DIRECTORY;
	freep(&text);
	CHECK_INT(problem_format(&p, &text), 0);
	CHECK_STR(text, "/path shows only the directory /a\\x0ab of its overlay");
	p.kind = PROBLEM_OVERLAY_WRONG_LAYERS;
	freep(&text);
	CHECK_INT(problem_format(&p, &text), 0);
	CHECK_STR(text, "the overlay on /path is not the declared one: it has lowerdir=/a\\x1b");
}

static void test_fates(void)
{
	static const struct {
		struct fate fate;
		const char *text;
	} rows[] = {
		{ { .kind = FATE_FAIL }, "/path has no tmpfs: writes there fail" },
		{ { .kind = FATE_DEVICE, .device = "/dev/a" },
		  "/path has no tmpfs: writes there go to /dev/a" },
		{ { .kind = FATE_PARTITION, .partition = "p", .with = "/w" },
		  "/path has no tmpfs: writes there go to partition p with /w" },
		{ { .kind = FATE_RAM },
		  "/path has no tmpfs: writes there go to RAM and are lost at power-off" },
		{ { .kind = FATE_RAM, .with = "/w" },
		  "/path has no tmpfs: writes there go to RAM with /w and are lost at power-off" },
	};

	CHECK_EACH(row, rows)
	{
		struct problem p = full(PROBLEM_TMP_MISSING);
		_cleanup_free_ char *text = NULL;

		p.fate = row->fate;
		CHECK_INT(problem_format(&p, &text), 0);
		CHECK_STR(text, row->text);
	}
}

static void test_errors_come_first(void)
{
	static const enum problem_kind added[] = { PROBLEM_SPACE_LOW, PROBLEM_SWAP_ACTIVE,
						   PROBLEM_INODES_LOW, PROBLEM_TMP_MISSING },
				       expected[] = { PROBLEM_SWAP_ACTIVE, PROBLEM_TMP_MISSING,
						      PROBLEM_SPACE_LOW, PROBLEM_INODES_LOW };
	struct problems l = { 0 };

	CHECK_EACH(kind, added)
	{
		const struct problem p = { .kind = *kind };

		problems_add(&l, &p);
	}
	CHECK_INT(l.n, 4);
	CHECK_INT(l.n_errors, 2);
	for (size_t i = 0; i < l.n; i++)
		CHECK_INT(l.items[i].kind, expected[i]);
	problems_done(&l);
}

static void test_entry_says_what_it_is_about(void)
{
	const struct diag_entry plain = { .level = DIAG_ERROR, .text = (char *)"x" };

	CHECK_INT(problem_of_entry(&plain).kind, PROBLEM_CONFIGURATION);
	CHECK_INT(problem_of_entry(&plain).severity, DIAG_ERROR);
	CHECK_INT(problem_of_entry(&entry).kind, PROBLEM_CACHE_IN_RAM);
	CHECK_INT(problem_of_entry(&entry).severity, DIAG_WARNING);
	CHECK_STR(problem_of_entry(&entry).path, "/var");
}

int main(void)
{
	test_each_kind_has_a_name_and_a_sentence();
	test_sentences();
	test_foreign_bytes_are_escaped();
	test_fates();
	test_errors_come_first();
	test_entry_says_what_it_is_about();
	return check_done();
}
