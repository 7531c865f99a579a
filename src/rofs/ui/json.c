/* SPDX-License-Identifier: MIT */
#include "rofs/ui/json.h"

#include "basic/text.h"

static void indent(struct json *j)
{
	strbuf_add_char(&j->text, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		strbuf_add(&j->text, "   ");
}

static size_t plain_length(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* Control characters by number, of C1 too: JSON may be printed on a terminal. */
static void add_character(struct strbuf *b, const char *s, size_t n, uint32_t c)
{
	if (n == 0)
		strbuf_add(b, "\xef\xbf\xbd");
	else if (c == '"' || c == '\\')
		strbuf_addf(b, "\\%c", (char)c);
	else if (text_is_control(c))
		strbuf_addf(b, "\\u%04x", (unsigned)c);
	else
		strbuf_add_n(b, s, n);
}

size_t json_add_text(struct strbuf *b, const char *s)
{
	size_t wrong = 0;

	while (*s) {
		size_t n = plain_length(s);
		uint32_t c = 0;

		strbuf_add_n(b, s, n);
		s += n;
		if (!*s)
			break;
		n = text_next(s, &c);
		add_character(b, s, n, c);
		wrong += n == 0;
		s += n > 0 ? n : 1;
	}
	return wrong;
}

static void add_quoted(struct strbuf *b, const char *s)
{
	strbuf_add_char(b, '"');
	json_add_text(b, s);
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

void json_text(struct json *j, const char *key, const char *text)
{
	begin(j, key);
	strbuf_add_char(&j->text, '"');
	strbuf_add(&j->text, text);
	strbuf_add_char(&j->text, '"');
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

int json_flush(struct json *j)
{
	if (j->text.failed)
		return -ENOMEM;
	fwrite(j->text.text, 1, j->text.len, stdout);
	j->text.len = 0;
	return 0;
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
