/* SPDX-License-Identifier: MIT */
#include "rofs/ui/json.h"

#include <string.h>

#include "basic/text.h"

static void indent(struct json *j)
{
	strbuf_add_char(&j->text, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		strbuf_add(&j->text, "   ");
}

/* Bytes of the UTF-8 sequence at s, 0: it is none. */
static size_t sequence_length(const char *s)
{
	for (size_t n = 1; n <= 4; n++) {
		if (n > 1 && !s[n - 1])
			return 0;
		if (text_is_utf8(s, n))
			return n;
	}
	return 0;
}

static void add_quoted(struct strbuf *b, const char *s)
{
	strbuf_add_char(b, '"');
	while (*s) {
		size_t n = sequence_length(s);

		if (n == 0) {
			strbuf_add(b, "\xef\xbf\xbd");
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			strbuf_addf(b, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			strbuf_addf(b, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			strbuf_add_n(b, s, n);
		s += n;
	}
	strbuf_add_char(b, '"');
}

static void begin(struct json *j, const char *key)
{
	if (j->depth > 0) {
		if (!j->first)
			strbuf_add_char(&j->text, ',');
		indent(j);
	}
	j->first = false;
	if (!key)
		return;
	add_quoted(&j->text, key);
	strbuf_add(&j->text, ": ");
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	strbuf_add_char(&j->text, bracket);
	j->depth++;
	j->first = true;
}

void json_close(struct json *j, char bracket)
{
	bool empty = j->first;

	j->depth--;
	if (!empty)
		indent(j);
	strbuf_add_char(&j->text, bracket);
	j->first = false;
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	begin(j, key);
	add_quoted(&j->text, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	strbuf_addf(&j->text, "%" PRIu64, value);
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	strbuf_add(&j->text, "null");
}

void json_boolean(struct json *j, const char *key, bool value)
{
	begin(j, key);
	strbuf_add(&j->text, value ? "true" : "false");
}

int json_print(struct json *j)
{
	_cleanup_free_ char *text = NULL;
	int err = strbuf_take(&j->text, &text);

	if (err < 0)
		return err;
	puts(text);
	return 0;
}
