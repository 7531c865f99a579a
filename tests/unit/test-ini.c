/* SPDX-License-Identifier: MIT */
#include "conf/ini.h"

#include <stdlib.h>

#include "basic/strbuf.h"
#include "check.h"

/* The calls of the handler and the messages, a line each: "S name", "K key=value", "R", "R unclear" or "R header", "FILE:LINE: text". */
struct observed {
	struct strbuf log;
	struct diag diag;
	size_t told; /* messages that are in the log */
	int stop_at; /* the line at which a handler fails */
};

static void catch_up(struct observed *s)
{
	for (; s->told < s->diag.n_entries; s->told++) {
		_cleanup_free_ char *line = NULL;

		diag_format(&s->diag.entries[s->told], &line);
		strbuf_addf(&s->log, "%s\n", line);
	}
}

static int on_section(char *name, struct pos pos, void *userdata)
{
	struct observed *s = userdata;

	catch_up(s);
	strbuf_addf(&s->log, "S %s\n", name);
	return (int)pos.line == s->stop_at ? -EIO : 0;
}

static int on_setting(char *key, char *value, struct pos pos, void *userdata)
{
	struct observed *s = userdata;

	catch_up(s);
	strbuf_addf(&s->log, "K %s=%s\n", key, value);
	return (int)pos.line == s->stop_at ? -EIO : 0;
}

static int on_refused(enum ini_refused what, _unused_ const char *line, _unused_ struct pos pos,
		      void *userdata)
{
	static const char *const words[] = {
		[INI_REFUSED_SETTING] = "",
		[INI_REFUSED_UNCLEAR] = " unclear",
		[INI_REFUSED_HEADER] = " header",
	};
	struct observed *s = userdata;

	catch_up(s);
	strbuf_addf(&s->log, "R%s\n", words[what]);
	return 0;
}

static char *read_text(const char *text, size_t len, int stop_at, int *ret)
{
	static const struct ini_handler handler = { on_section, on_setting, on_refused };
	struct observed s = { .stop_at = stop_at };
	_cleanup_free_ char *copy = malloc(len + 1);
	char *log;

	memcpy(copy, text, len);
	*ret = ini_read(copy, len, "f", &handler, &s, &s.diag);
	catch_up(&s);
	diag_done(&s.diag);
	if (strbuf_take(&s.log, &log) < 0)
		abort();
	return log;
}

#define TEXT(s) (s), sizeof(s) - 1

static void test_lines(void)
{
	static const struct {
		const char *text;
		size_t len;
		const char *expected;
	} rows[] = {
		{ TEXT(""), "" },
		{ TEXT("\n\n"), "" },
		{ TEXT("# c\n; c\n  # c\n\t;c"), "" },
		{ TEXT("[A]"), "S A\n" },
		{ TEXT("[ A  b ]\n"), "S A  b\n" },
		{ TEXT(" [A]\r\n"), "S A\n" },
		{ TEXT("[A [x] b]\n"), "S A [x] b\n" },
		{ TEXT("k=v"), "K k=v\n" },
		{ TEXT(" k = v w \n"), "K k=v w\n" },
		{ TEXT("k=\n"), "K k=\n" },
		{ TEXT("k==v=w\n"), "K k==v=w\n" },
		{ TEXT("k=v # no comment\n"), "K k=v # no comment\n" },
		{ TEXT("k=\"a\\\n"), "K k=\"a\\\n" }, /* no continuation */
		{ TEXT("k=[x]\n"), "K k=[x]\n" },
		{ TEXT("k=a\tb\n"), "K k=a\tb\n" },
		{ TEXT("\xef\xbb\xbf[A]\n"), "S A\n" },
		{ TEXT("k=v\n\xef\xbb\xbf[A]\n"),
		  "K k=v\nf:2: missing '='; expected Key=value, [Section] or a comment; the settings below it are "
		  "ignored\nR unclear\n" },
		{ TEXT("A b]\n"),
		  "f:1: missing '='; expected Key=value, [Section] or a comment; the settings below it are "
		  "ignored\nR unclear\n" },
		{ TEXT("\xef\xbb"), "f:1: the line is not valid UTF-8\nR\n" },
		{ TEXT("[]\n"),
		  "f:1: empty section header; expected [Kind name]; the settings below it are ignored\nR header\n" },
		{ TEXT("[ \t]\n"),
		  "f:1: empty section header; expected [Kind name]; the settings below it are ignored\nR header\n" },
		{ TEXT("[A\n"),
		  "f:1: section header without ']'; expected [Kind name]; the settings below it are ignored\nR header\n" },
		{ TEXT("[A] x\n"),
		  "f:1: text after ']'; a comment needs a line of its own; the settings below it are ignored\nR header\n" },
		{ TEXT("[A]# c\n"),
		  "f:1: text after ']'; a comment needs a line of its own; the settings below it are ignored\nR header\n" },
		{ TEXT("word\n"),
		  "f:1: missing '='; expected Key=value, [Section] or a comment\nR\n" },
		{ TEXT("=v\n"), "f:1: nothing before '='; expected Key=value\nR\n" },
		{ TEXT(" = \n"), "f:1: nothing before '='; expected Key=value\nR\n" },
		{ TEXT("k=\0v\n"), "f:1: NUL byte in the line; expected plain text\nR\n" },
		{ TEXT("\0[A]\n"),
		  "f:1: NUL byte in the line; expected plain text; the settings below it are ignored\nR unclear\n" },
		{ TEXT("[A]\0\n"),
		  "f:1: NUL byte in the line; expected plain text; the settings below it are ignored\nR header\n" },
		{ TEXT(" \t[A\xff]\n"),
		  "f:1: the line is not valid UTF-8; the settings below it are ignored\nR header\n" },
		{ TEXT("[\x1b[m\n"),
		  "f:1: control character in the line; expected plain text; the settings below it are ignored\nR header\n" },
		{ TEXT("# c\0\n"), "f:1: NUL byte in the line; expected plain text\nR\n" },
		{ TEXT("k=\xff\n"), "f:1: the line is not valid UTF-8\nR\n" },
		{ TEXT("[A\xff]\n"),
		  "f:1: the line is not valid UTF-8; the settings below it are ignored\nR header\n" },
		{ TEXT("k=\x1b[m\n"),
		  "f:1: control character in the line; expected plain text; the settings below it are ignored\nR unclear\n" },
		{ TEXT("k=a\rb\n"),
		  "f:1: control character in the line; expected plain text\nR\n" },
		{ TEXT("k=\x7f\n"),
		  "f:1: control character in the line; expected plain text\nR\n" },
		{ TEXT("\n\n[A]\nk=v\n\nx\n"),
		  "S A\nK k=v\nf:6: missing '='; expected Key=value, [Section] or a comment\nR\n" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *log = NULL;
		int err;

		check.label = row->text;
		log = read_text(row->text, row->len, 0, &err);
		CHECK_INT(err, 0);
		CHECK_STR(log, row->expected);
	}
	check.label = NULL;
}

static void test_long_lines(void)
{
	char text[INI_LINE_BYTES_MAX + 8];
	_cleanup_free_ char *fits = NULL, *over = NULL, *unclear = NULL, *header = NULL;
	int err;

	memset(text, 'v', sizeof(text));
	memcpy(text, "k=", 2);
	text[INI_LINE_BYTES_MAX] = '\n';
	fits = read_text(text, INI_LINE_BYTES_MAX + 1, 0, &err);
	CHECK_INT(strlen(fits), 2 + INI_LINE_BYTES_MAX + 1);

	text[INI_LINE_BYTES_MAX] = 'v';
	text[INI_LINE_BYTES_MAX + 1] = '\n';
	over = read_text(text, INI_LINE_BYTES_MAX + 2, 0, &err);
	CHECK_STR(over, "f:1: line longer than 4096 bytes\nR\n");

	text[100] = '[';
	unclear = read_text(text, INI_LINE_BYTES_MAX + 2, 0, &err);
	CHECK_STR(
		unclear,
		"f:1: line longer than 4096 bytes; the settings below it are ignored\nR unclear\n");

	text[0] = '[';
	header = read_text(text, INI_LINE_BYTES_MAX + 2, 0, &err);
	CHECK_STR(
		header,
		"f:1: line longer than 4096 bytes; the settings below it are ignored\nR header\n");
}

static void test_handler_stops(void)
{
	_cleanup_free_ char *log = NULL;
	int err;

	log = read_text(TEXT("[A]\nk=v\nl=w\n"), 2, &err);
	CHECK_INT(err, -EIO);
	CHECK_STR(log, "S A\nK k=v\n");
}

/* Whatever the bytes: it ends, and no line is counted that is not there. */
static void test_any_bytes(void)
{
	static const char letters[] = "[]=#; \t\nab\\\"\xc3\xa4\xff\x01";
	uint32_t state = 3;

	for (int i = 0; i < 50000; i++) {
		char text[41];
		size_t lines = 1;
		_cleanup_free_ char *log = NULL;
		char *colon;
		int err;

		check_random_string(&state, letters, 40, text);
		for (const char *p = text; *p; p++)
			lines += *p == '\n';
		log = read_text(text, strlen(text), 0, &err);
		if (err != 0)
			CHECK_INT(err, 0);
		for (colon = strstr(log, "f:"); colon; colon = strstr(colon + 1, "\nf:"))
			if (strtoul(colon + 2 + (*colon == '\n'), NULL, 10) > lines)
				CHECK_STR(log, "");
	}
	CHECK(true);
}

int main(void)
{
	test_lines();
	test_long_lines();
	test_handler_stops();
	test_any_bytes();
	return check_done();
}
