/* SPDX-License-Identifier: MIT */
#include "basic/diag.h"

#include "check.h"

static void test_lines(void)
{
	static const struct {
		struct diag_entry entry;
		const char *expected;
	} rows[] = {
		{ { .level = DIAG_ERROR, .pos = { "f", 3 }, .text = (char *)"x" }, "f:3: x" },
		{ { .level = DIAG_WARNING, .pos = { "f", 3 }, .text = (char *)"x" },
		  "f:3: warning: x" },
		{ { .level = DIAG_NOTE, .pos = { "f", 3 }, .text = (char *)"x" }, "f:3: note: x" },
		{ { .level = DIAG_ERROR, .pos = { "f", 0 }, .text = (char *)"x" }, "f: x" },
		{ { .level = DIAG_ERROR, .pos = { NULL, 0 }, .text = (char *)"x" }, "x" },
		{ { .level = DIAG_ERROR, .pos = { "a\nb\x1b", 1 }, .text = (char *)"x" },
		  "a\\x0ab\\x1b:1: x" },
		{ { .level = DIAG_ERROR, .pos = { "a\xc2\x9b", 1 }, .text = (char *)"x" },
		  "a\\xc2\\x9b:1: x" },
		{ { .level = DIAG_ERROR, .pos = { "a\x9b", 1 }, .text = (char *)"x" },
		  "a\\x9b:1: x" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *line = NULL;

		CHECK_INT(diag_format(&row->entry, &line), 0);
		CHECK_STR(line, row->expected);
	}
}

static void test_counts(void)
{
	_cleanup_diag_ struct diag d = { 0 };

	CHECK_INT(diag_error(&d, (struct pos){ "f", 1 }, "%s", "a\tb\x7f\xc3\xa4"), -EBADMSG);
	diag_note(&d, (struct pos){ "f", 2 }, "note");
	diag_warning(&d, (struct pos){ "f", 3 }, "warning");
	CHECK_INT(d.n_entries, 3);
	CHECK_INT(d.n_errors, 1);
	CHECK(!d.failed);
	CHECK_STR(d.entries[0].text, "a\\x09b\\x7f\xc3\xa4");
}

/* What a terminal would obey, as bytes of two encodings. Backslashes are part of unit names. */
static void test_foreign_text(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "\xc2\x9b"
		  "2J",
		  "\\xc2\\x9b"
		  "2J" },
		{ "\x9b"
		  "2J",
		  "\\x9b"
		  "2J" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4" },
		{ "rofs-overlay-a\\x2db.mount", "rofs-overlay-a\\x2db.mount" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_diag_ struct diag d = { 0 };

		diag_error(&d, (struct pos){ NULL, 0 }, "%s", row->text);
		CHECK_STR(d.entries[0].text, row->expected);
	}
}

/* Nobody reads half a million lines; how many there are is said. */
static void test_no_more_than_a_thousand_are_told(void)
{
	_cleanup_diag_ struct diag d = { 0 };
	struct pos pos = { "f", 1 };
	_cleanup_free_ char *last = NULL;

	for (size_t i = 0; i < DIAG_TOLD_MAX; i++) {
		CHECK(!diag_is_full(&d));
		diag_error(&d, pos, "mistake");
		diag_note(&d, pos, "note");
	}
	CHECK_INT(d.n_entries, 2 * DIAG_TOLD_MAX);
	CHECK(diag_is_full(&d));

	diag_warning(&d, pos, "warning");
	diag_note(&d, pos, "note");
	CHECK_INT(d.n_entries, 2 * DIAG_TOLD_MAX + 1);
	CHECK_INT(d.n_errors, DIAG_TOLD_MAX);
	CHECK_INT(d.entries[d.n_entries - 1].level, DIAG_WARNING);

	for (int i = 0; i < 500; i++)
		diag_error(&d, pos, "mistake");
	CHECK_INT(d.n_entries, 2 * DIAG_TOLD_MAX + 1);
	CHECK_INT(d.n_errors, DIAG_TOLD_MAX + 500);
	CHECK_INT(diag_format(&d.entries[d.n_entries - 1], &last), 0);
	CHECK_STR(last, "501 more errors and warnings are not shown");
	CHECK(!d.failed);
}

int main(void)
{
	test_lines();
	test_counts();
	test_foreign_text();
	test_no_more_than_a_thousand_are_told();
	return check_done();
}
