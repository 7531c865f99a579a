/* SPDX-License-Identifier: MIT */
#include "basic/diag.h"

#include "check.h"

static void test_lines(void)
{
	static const struct {
		struct diag_entry entry;
		const char *expected;
	} rows[] = {
		{ { DIAG_ERROR, { "f", 3 }, (char *)"x" }, "f:3: x" },
		{ { DIAG_WARNING, { "f", 3 }, (char *)"x" }, "f:3: warning: x" },
		{ { DIAG_NOTE, { "f", 3 }, (char *)"x" }, "f:3: note: x" },
		{ { DIAG_ERROR, { "f", 0 }, (char *)"x" }, "f: x" },
		{ { DIAG_ERROR, { NULL, 0 }, (char *)"x" }, "x" },
		{ { DIAG_ERROR, { "a\nb\x1b", 1 }, (char *)"x" }, "a\\x0ab\\x1b:1: x" },
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

int main(void)
{
	test_lines();
	test_counts();
	return check_done();
}
