/* SPDX-License-Identifier: MIT */
/* What rofs status quotes from the journal. The journal is a table here, newest message first. */
#include "rofs/status/reason.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "basic/macro.h"
#include "check.h"

#define UNIT "rofs-persist-data.mount"

/* NULL: the message lacks this field. */
struct entry {
	const char *text, *pid, *priority;
};

struct sd_journal {
	const struct entry *entries;
	size_t n, at; /* entry @at - 1 is read */
	char data[512];
};

static struct sd_journal journal;

int sd_journal_open(sd_journal **ret, int flags _unused_)
{
	*ret = &journal;
	return 0;
}

void sd_journal_close(sd_journal *j _unused_)
{
}

int sd_journal_has_runtime_files(sd_journal *j _unused_)
{
	return 1;
}

int sd_journal_has_persistent_files(sd_journal *j _unused_)
{
	return 0;
}

void sd_journal_flush_matches(sd_journal *j _unused_)
{
}

int sd_journal_add_match(sd_journal *j _unused_, const void *data _unused_, size_t n _unused_)
{
	return 0;
}

int sd_journal_add_disjunction(sd_journal *j _unused_)
{
	return 0;
}

int sd_journal_seek_tail(sd_journal *j)
{
	j->at = 0;
	return 0;
}

int sd_journal_previous(sd_journal *j)
{
	return j->at < j->n ? (int)++j->at : 0;
}

int sd_journal_get_data(sd_journal *j, const char *field, const void **ret, size_t *ret_len)
{
	const struct entry *e = &j->entries[j->at - 1];
	const char *value = strcmp(field, "MESSAGE") == 0  ? e->text :
			    strcmp(field, "_PID") == 0	   ? e->pid :
			    strcmp(field, "PRIORITY") == 0 ? e->priority :
							     NULL;

	if (!value)
		return -ENOENT;
	*ret_len = (size_t)snprintf(j->data, sizeof(j->data), "%s=%s", field, value);
	*ret = j->data;
	return 0;
}

int sd_id128_get_boot(sd_id128_t *ret)
{
	*ret = SD_ID128_NULL;
	return 0;
}

char *sd_id128_to_string(sd_id128_t id _unused_, char s[_SD_ARRAY_STATIC SD_ID128_STRING_MAX])
{
	return strcpy(s, "0");
}

static void test_the_message_that_explains_most_is_quoted(void)
{
	static const struct {
		const char *label;
		struct entry entries[3]; /* the newest first */
		const char *expected;
	} journals[] = {
		{ "nothing", { { NULL, NULL, NULL } }, NULL },
		{ "an empty line", { { "", "7", "3" } }, NULL },
		{ "the error of a program before what follows from it",
		  { { "Failed with result 'exit-code'.", "1", "4" }, { "is full", "7", "3" } },
		  "is full" },
		{ "an error before a line that was printed",
		  { { "printed", "7", "6" }, { "logged", "7", "3" } },
		  "logged" },
		{ "the newest of two errors",
		  { { "second", "7", "3" }, { "first", "7", "3" } },
		  "second" },
		{ "the end of what mount prints",
		  { { "       dmesg(1) may have more", "7", "6" },
		    { "mount: bad option.", "7", "6" } },
		  "mount: bad option" },
		{ "of two persists of a partition, that of the problem",
		  { { "[Persist /var/ab]: no", "7", "3" }, { "/var/a: is full", "7", "3" } },
		  "/var/a: is full" },
		{ "a path in brackets",
		  { { "/var/a/b: no", "7", "3" }, { "[Persist /var/a]: a link", "7", "3" } },
		  "[Persist /var/a]: a link" },
		{ "the end of another path",
		  { { "[Persist /x/var/a]: no", "7", "3" }, { "/var/a: is full", "7", "3" } },
		  "/var/a: is full" },
		{ "the path in a line that was printed is not as good as an error",
		  { { "/var/a: printed", "7", "6" }, { "logged", "7", "3" } },
		  "logged" },
		{ "a line that is not UTF-8",
		  { { "Dependency failed.", "1", "3" },
		    { "disk: Entry 'caf\351' has a bad inode; UNEXPECTED INCONSISTENCY.", "7",
		      "6" } },
		  "disk: Entry 'caf\\xe9' has a bad inode; UNEXPECTED INCONSISTENCY" },
		{ "a line for a terminal", { { "\033[31mred", "7", "3" } }, "\\x1b[31mred" },
	};
	const struct problem p = { .path = "/var/a", .units = { UNIT }, .n_units = 1 };

	CHECK_EACH(row, journals)
	{
		_cleanup_free_ char *reason = NULL;

		check.label = row->label;
		journal.entries = row->entries;
		for (journal.n = 0; journal.n < 3 && row->entries[journal.n].text;)
			journal.n++;
		CHECK_INT(reason_find(&p, &reason), JOURNAL_SEEN);
		CHECK_STR(reason, row->expected);
	}
	check.label = NULL;
}

int main(void)
{
	test_the_message_that_explains_most_is_quoted();
	return check_done();
}
