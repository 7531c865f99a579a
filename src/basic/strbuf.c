/* SPDX-License-Identifier: MIT */
#include "basic/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define FIRST_BYTES 1024u /* most units fit */

void strbuf_done(struct strbuf *b)
{
	free(b->text);
	*b = (struct strbuf){ 0 };
}

/* Makes room for n more bytes and the NUL. */
static bool reserve(struct strbuf *b, size_t n)
{
	size_t size = b->size ? b->size : FIRST_BYTES;
	char *text;

	if (b->failed)
		return false;
	if (b->size && n < b->size - b->len)
		return true;

	while (size - b->len <= n) {
		if (size > SIZE_MAX / 2)
			return b->failed = true, false;
		size *= 2;
	}

	text = realloc(b->text, size);
	if (!text)
		return b->failed = true, false;

	b->text = text;
	b->size = size;
	return true;
}

void strbuf_add_n(struct strbuf *b, const char *s, size_t n)
{
	if (!reserve(b, n))
		return;

	memcpy(b->text + b->len, s, n);
	b->len += n;
	b->text[b->len] = '\0';
}

void strbuf_add(struct strbuf *b, const char *s)
{
	strbuf_add_n(b, s, strlen(s));
}

void strbuf_add_char(struct strbuf *b, char c)
{
	strbuf_add_n(b, &c, 1);
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (!reserve(b, 0))
		return;

	/* Most of what is added fits; the first try says how much room it needs if not. */
	room = b->size - b->len;
	va_start(ap, format);
	n = vsnprintf(b->text + b->len, room, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room && reserve(b, (size_t)n)) {
		va_start(ap, format);
		n = vsnprintf(b->text + b->len, b->size - b->len, format, ap);
		va_end(ap);
	}
	if (n < 0)
		b->failed = true;
	if (b->failed)
		return;
	b->len += (size_t)n;
}

int strbuf_take(struct strbuf *b, char **ret)
{
	strbuf_add_n(b, "", 0); /* an empty buffer becomes "" */
	if (b->failed) {
		strbuf_done(b);
		return -ENOMEM;
	}

	*ret = b->text;
	*b = (struct strbuf){ 0 };
	return 0;
}
