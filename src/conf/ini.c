/* SPDX-License-Identifier: MIT */
#include "conf/ini.h"

#include <string.h>

#include "basic/text.h"

#define BLANKS " \t\r"

struct reader {
	const struct ini_handler *handler;
	void *userdata;
	struct diag *diag;
	struct pos pos;
};

static char *strip(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	for (n = strlen(s); n > 0 && strchr(BLANKS, s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

/* But for tabs. @s: UTF-8. */
static bool has_control(const char *s)
{
	do
		s = text_find_control(s);
	while (s && *s++ == '\t');
	return s;
}

/* A line that cannot be trusted at all. @line may hold NUL bytes. */
static enum ini_refused judge(const char *line, size_t len)
{
	const char *end = line + len;

	if (!memchr(line, '[', len) && !memchr(line, ']', len))
		return INI_REFUSED_SETTING;
	while (line < end && *line && strchr(BLANKS, *line))
		line++;
	return *line == '[' ? INI_REFUSED_HEADER : INI_REFUSED_UNCLEAR;
}

static int refuse(struct reader *r, const char *line, size_t len, const char *why)
{
	enum ini_refused what = judge(line, len);

	diag_error(r->diag, r->pos, "%s%s", why,
		   what == INI_REFUSED_SETTING ? "" : "; the settings below it are ignored");
	return r->handler->refused(what, line, r->pos, r->userdata);
}

static int read_header(struct reader *r, char *line)
{
	/* The last bracket closes: a path may hold one itself. */
	char *close = strrchr(line, ']'), *name;

	if (!close)
		return refuse(r, line, strlen(line),
			      "section header without ']'; expected [Kind name]");
	if (close[1])
		return refuse(r, line, strlen(line),
			      "text after ']'; a comment needs a line of its own");

	*close = '\0';
	name = strip(line + 1);
	if (!*name)
		return refuse(r, line, strlen(line), "empty section header; expected [Kind name]");

	return r->handler->section(name, r->pos, r->userdata);
}

static int read_setting(struct reader *r, char *line)
{
	char *equals = strchr(line, '='), *key;

	if (!equals)
		return refuse(r, line, strlen(line),
			      "missing '='; expected Key=value, [Section] or a comment");

	*equals = '\0';
	key = strip(line);
	if (!*key)
		return refuse(r, line, strlen(line), "nothing before '='; expected Key=value");

	return r->handler->setting(key, strip(equals + 1), r->pos, r->userdata);
}

static int read_line(struct reader *r, char *line, size_t len)
{
	if (len > INI_LINE_BYTES_MAX)
		return refuse(r, line, len, "line longer than 4096 bytes");
	if (memchr(line, '\0', len))
		return refuse(r, line, len, "NUL byte in the line; expected plain text");
	if (!text_is_utf8(line, len))
		return refuse(r, line, len, "the line is not valid UTF-8");

	line = strip(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (has_control(line))
		return refuse(r, line, strlen(line),
			      "control character in the line; expected plain text");
	if (*line == '[')
		return read_header(r, line);

	return read_setting(r, line);
}

int ini_read(char *text, size_t len, const char *file, const struct ini_handler *handler,
	     void *userdata, struct diag *d)
{
	struct reader r = {
		.handler = handler, .userdata = userdata, .diag = d, .pos = { .file = file }
	};
	char *end = text + len;

	_Static_assert(INI_LINE_BYTES_MAX == 4096u, "the message names the limit");

	/* Some editors put a byte order mark in front; it means nothing in UTF-8. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;

	while (text < end) {
		char *newline = memchr(text, '\n', (size_t)(end - text));
		char *stop = newline ? newline : end;
		int err;

		r.pos.line++;
		*stop = '\0';
		err = read_line(&r, text, (size_t)(stop - text));
		if (err < 0)
			return err;
		text = stop + 1;
	}
	return 0;
}
