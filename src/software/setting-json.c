/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "software/setting-search.h"

/* Writes a code point of four hexadecimal digits as UTF-8. Returns: its end. */
static char *put_code_point(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* Decodes what follows a backslash at *@from, which is moved behind it. Returns: the result's end. */
static char *unescape(char *to, char **from)
{
	static const char written[] = "bfnrt", meant[] = "\b\f\n\r\t";
	char *at = *from, *end, digits[5] = "";
	const char *known;
	unsigned long c;

	if (!*at)
		return to;
	*from = at + 1;
	known = strchr(written, *at);
	if (*at != 'u') {
		*to = *at;
		if (known)
			*to = meant[known - written];
		return to + 1;
	}
	strncat(digits, at + 1, 4);
	c = strtoul(digits, &end, 16);
	*from += end - digits;
	return put_code_point(to, (unsigned)c);
}

/* Decodes the string whose first character is at @s, in place. Returns: what follows its quote. */
static char *end_string(char *s, unsigned *line)
{
	char *to = s;

	while (*s && *s != '"') {
		char c = *s++;

		*line += c == '\n';
		if (c == '\\')
			to = unescape(to, &s);
		else
			*to++ = c;
	}
	s += *s == '"';
	*to = '\0';
	return s;
}

/* A string of the outermost object is a key if a colon follows, else the value of the last key. */
int setting_find_in_json(struct setting_search *x, char *s)
{
	const char *key = "";
	unsigned depth = 0;

	x->line = 1;
	while (*s) {
		char c = *s++, *string = s;

		x->line += c == '\n';
		depth += c == '{' || c == '[';
		depth -= depth > 0 && (c == '}' || c == ']');
		if (c == ',' && depth == 1)
			key = "";
		if (c != '"')
			continue;
		s = end_string(s, &x->line);
		if (depth != 1)
			continue;
		if (s[strspn(s, SETTING_BLANKS "\n")] == ':') {
			key = string;
		} else if (strcmp(key, x->setting->key) == 0) {
			int err = setting_found(x, string);

			if (err < 0)
				return err;
		}
	}
	return 0;
}
