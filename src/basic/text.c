/* SPDX-License-Identifier: MIT */
#include "basic/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_BYTES_MAX 32u /* longer than any key; keeps the distance table on the stack */

int text_format(char **ret, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(ret, format, ap);
	va_end(ap);
	if (n < 0)
		return *ret = NULL, -ENOMEM;
	return 0;
}

/* Length of the sequence that starts with lead byte c, 0 if none may start so. */
static size_t sequence_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

/* The second byte's range is narrower after E0, ED, F0 and F4 (RFC 3629, section 4). */
static bool second_byte_fits(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

/* Nearly all that the generator reads at boot is of this kind: printable ASCII. */
static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f;
}

/* As text_next(), of at most @n bytes, at least 1. */
static size_t decode(const char *s, size_t n, uint32_t *ret)
{
	/* What the lead byte says besides the length. */
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *p = (const unsigned char *)s;
	size_t len = sequence_length(*p);
	uint32_t c = *p & lead_bits[len];

	if (len == 0 || len > n || (len > 1 && !second_byte_fits(p[0], p[1])))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret = c;
	return len;
}

size_t text_next(const char *s, uint32_t *ret)
{
	return decode(s, strnlen(s, 4), ret);
}

bool text_is_utf8(const char *s, size_t n)
{
	while (n > 0) {
		uint32_t c;
		size_t len = is_plain(*s) ? 1 : decode(s, n, &c);

		if (len == 0)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

bool text_is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c <= 0x9f);
}

const char *text_find_control(const char *s)
{
	while (*s) {
		uint32_t c;
		size_t n;

		if (is_plain(*s)) {
			s++;
			continue;
		}
		n = text_next(s, &c);
		if (n > 0 && text_is_control(c))
			return s;
		s += n > 0 ? n : 1;
	}
	return NULL;
}

bool text_has_control(const char *s)
{
	return text_find_control(s) != NULL;
}

/* Bytes of the character at @s if it can be shown as it is, else 0. */
static size_t shown_length(const char *s, bool is_name)
{
	uint32_t c;
	size_t n = text_next(s, &c);

	if (n == 0 || text_is_control(c) || (is_name && s[0] == '\\' && s[1] == 'x'))
		return 0;
	return n;
}

static void add_shown(struct strbuf *b, const char *s, bool is_name)
{
	while (*s) {
		size_t n = shown_length(s, is_name);

		if (n > 0)
			strbuf_add_n(b, s, n);
		else
			strbuf_addf(b, "\\x%02x", (unsigned)(unsigned char)*s);
		s += n > 0 ? n : 1;
	}
}

void text_add_printable(struct strbuf *b, const char *s)
{
	add_shown(b, s, false);
}

int text_printable(const char *s, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	text_add_printable(&b, s);
	return strbuf_take(&b, ret);
}

int text_format_printable(char **ret, const char *format, va_list ap)
{
	_cleanup_free_ char *raw = NULL;

	if (vasprintf(&raw, format, ap) < 0)
		return raw = NULL, -ENOMEM;
	return text_printable(raw, ret);
}

void text_add_ascii(struct strbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x80)
			strbuf_add_char(b, s[i]);
		else
			strbuf_addf(b, "\\x%02x", (unsigned)(unsigned char)s[i]);
	}
}

void text_add_name(struct strbuf *b, const char *s)
{
	add_shown(b, s, true);
}

int text_escape(const char *s, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	text_add_name(&b, s);
	return strbuf_take(&b, ret);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Optimal string alignment distance: insert, delete, replace, swap of neighbours. Both words at
 * most WORD_BYTES_MAX.
 */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	uint8_t d[WORD_BYTES_MAX + 1][WORD_BYTES_MAX + 1];

	for (size_t i = 0; i <= la; i++)
		d[i][0] = (uint8_t)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (uint8_t)j;

	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]),
			    cb = tolower((unsigned char)b[j - 1]);

			d[i][j] = (uint8_t)min3(d[i - 1][j] + 1u, d[i][j - 1] + 1u,
						d[i - 1][j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) &&
			    d[i - 2][j - 2] + 1u < d[i][j])
				d[i][j] = (uint8_t)(d[i - 2][j - 2] + 1u);
		}
	return d[la][lb];
}

const char *text_closest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t limit = strlen(word) / 3, best_distance;

	if (strlen(word) > WORD_BYTES_MAX)
		return NULL;
	if (limit > 2)
		limit = 2;
	if (limit < 1)
		limit = 1;

	best_distance = limit + 1;
	for (size_t i = 0; i < n; i++) {
		size_t dist;

		if (!words[i] || strlen(words[i]) > WORD_BYTES_MAX)
			continue;
		dist = distance(word, words[i]);
		if (dist < best_distance) {
			best = words[i];
			best_distance = dist;
		}
	}
	return best;
}

const char *text_bytes(char buffer[TEXT_BYTES_MAX], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t tenths;
	size_t unit = 0;

	/* The tenths of what is larger do not fit; nobody misses them. */
	if (bytes > UINT64_MAX / 10) {
		bytes /= 1024;
		unit = 1;
	}
	for (tenths = bytes * 10; tenths >= 10240 && unit + 1 < ELEMENTSOF(units); unit++)
		tenths = (tenths + 512) / 1024;

	if (tenths < 100 && tenths % 10 && unit > 0)
		snprintf(buffer, TEXT_BYTES_MAX, "%u.%u %s", (unsigned)(tenths / 10),
			 (unsigned)(tenths % 10), units[unit]);
	else
		snprintf(buffer, TEXT_BYTES_MAX, "%u %s", (unsigned)((tenths + 5) / 10),
			 units[unit]);
	return buffer;
}

bool text_ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

size_t text_option_length(const char *s)
{
	size_t n = 0;

	for (; s[n] && s[n] != ','; n++)
		if (s[n] == '\\' && s[n + 1])
			n++;
	return n;
}
