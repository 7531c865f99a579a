/* SPDX-License-Identifier: MIT */
#include "software/setting.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS	       " \t\r"
#define SECTION_LENGTH 64u /* longer ones are none of the table's */

/* struct search - what is looked for, and who wants it */
struct search {
	const struct setting *setting;
	int (*each)(void *data, const char *value, unsigned line);
	void *data;
	unsigned line;
};

static int found(const struct search *x, const char *value)
{
	return x->each(x->data, value, x->line);
}

/* Ends the line at *@next, and leaves there where the following one begins; NULL: there is none. */
static char *take_line(char **next)
{
	char *line = *next, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	*next = end ? end + 1 : NULL;
	return line;
}

static char *skip_blanks(char *s)
{
	return s + strspn(s, BLANKS);
}

static void trim_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(BLANKS, s[n - 1]))
		s[--n] = '\0';
}

/* A value as it is written, without its quotes or a comment behind it. */
static char *unquote(char *s)
{
	char *end = NULL;

	if (*s == '"' || *s == '\'')
		end = strchr(s + 1, *s);
	if (end) {
		*end = '\0';
		return s + 1;
	}
	for (end = s; *end; end++)
		if (*end == '#' && (end == s || strchr(BLANKS, end[-1])))
			break;
	*end = '\0';
	trim_end(s);
	return s;
}

/* A line taken apart. */
struct assignment {
	char *key, *value;
	char separator; /* '=', ':', or ' ' where there is neither */
};

/* Where a key ends. A colon in a name, as apt has it, is no separator. */
static char *key_end(char *s)
{
	s += strcspn(s, "=:" BLANKS);
	while (*s == ':' && s[1] && !strchr(BLANKS, s[1])) {
		s += strspn(s, ":");
		s += strcspn(s, "=:" BLANKS);
	}
	return s;
}

/* False: it assigns nothing. */
static bool split(char *s, struct assignment *ret)
{
	char *end = key_end(s), *at = skip_blanks(end);
	char separator = ' ';

	if (end == s)
		return false;
	if (*at == '=' || *at == ':')
		separator = *at;
	if (separator != ' ')
		at = skip_blanks(at + 1);
	*end = '\0';
	*ret = (struct assignment){ s, unquote(at), separator };
	return true;
}

static bool is_comment(const char *s)
{
	return *s == '#' || *s == ';' || (s[0] == '/' && s[1] == '/');
}

static bool is_section(const char *name, const char *patterns)
{
	char pattern[SECTION_LENGTH];

	if (!patterns)
		return *name == '\0';
	while (*patterns) {
		size_t n = strcspn(patterns, " ");

		if (n < sizeof(pattern)) {
			memcpy(pattern, patterns, n);
			pattern[n] = '\0';
			if (fnmatch(pattern, name, 0) == 0)
				return true;
		}
		patterns += n + strspn(patterns + n, " ");
	}
	return false;
}

/* The name between the brackets of a header. */
static const char *section_name(char *s)
{
	char *end;

	s = skip_blanks(s + 1);
	end = strchr(s, ']');
	if (end)
		*end = '\0';
	trim_end(s);
	return s;
}

/* Where an item of a flow collection of YAML ends: at a comma or at the closing bracket. */
static char *flow_item_end(char *s)
{
	unsigned depth = 0;

	for (; *s; s++) {
		char *quote = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;

		if (quote)
			s = quote;
		else if (depth == 0 && strchr(",]}", *s))
			break;
		else if (*s == '[' || *s == '{')
			depth++;
		else if (*s == ']' || *s == '}')
			depth--;
	}
	return s;
}

/* One line of YAML: "[a, b]", whose items are as those with a hyphen; or "{a: b, c: d}". */
static int find_in_flow(struct search *x, char *s)
{
	bool is_list = *s == '[', more = true;
	int err = 0;

	for (s++; more && err >= 0; s++) {
		char *end = flow_item_end(s), *item = skip_blanks(s);
		struct assignment a = { .key = "-" };

		more = *end == ',';
		*end = '\0';
		if (is_list)
			a.value = unquote(item);
		else if (!split(item, &a))
			a.value = "";
		if (*a.value && strcasecmp(is_list ? a.key : unquote(a.key), x->setting->key) == 0)
			err = found(x, a.value);
		s = end;
	}
	return err;
}

static int find_in_lines(struct search *x, char *text)
{
	const char *section = "";

	for (char *line; (line = take_line(&text));) {
		struct assignment a;
		char *s = skip_blanks(line);
		int err = 0;

		x->line++;
		if (is_comment(s))
			continue;
		if (*s == '[') {
			section = section_name(s);
			continue;
		}
		if (!split(s, &a))
			continue;
		/* YAML: what is not indented ends the section, or begins one. */
		if (a.separator == ':' && s == line)
			section = *a.value ? "" : a.key;
		if (*a.value && strcasecmp(a.key, x->setting->key) == 0 &&
		    is_section(section, x->setting->section))
			err = found(x, a.value);
		else if ((*a.value == '[' || *a.value == '{') &&
			 is_section(a.key, x->setting->section))
			err = find_in_flow(x, a.value);
		if (err < 0)
			return err;
	}
	return 0;
}

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
static int find_in_json(struct search *x, char *s)
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
		if (s[strspn(s, BLANKS "\n")] == ':') {
			key = string;
		} else if (strcmp(key, x->setting->key) == 0) {
			int err = found(x, string);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

/* Behind @end, or at the end of the text; counts the lines in between. */
static char *skip_past(struct search *x, char *s, const char *end)
{
	char *at = strstr(s, end), *to = at ? at + strlen(end) : s + strlen(s);

	for (; s < to; s++)
		x->line += *s == '\n';
	return to;
}

static int find_in_xml(struct search *x, char *s)
{
	size_t n = strlen(x->setting->key);

	x->line = 1;
	while (*(s = skip_past(x, s, "<"))) {
		char *value;
		int err;

		if (strncmp(s, "!--", 3) == 0) {
			s = skip_past(x, s, "-->");
			continue;
		}
		if (strncmp(s, x->setting->key, n) != 0 || s[n] != '>')
			continue;
		value = s + n + 1;
		s = value + strcspn(value, "<\n");
		if (*s != '<')
			continue;
		*s = '\0';
		trim_end(value);
		err = found(x, skip_blanks(value));
		*s = '<';
		if (err < 0)
			return err;
	}
	return 0;
}

static bool is_between_words(char c)
{
	return c == '\0' || strchr(BLANKS "\"'", c);
}

/* The value behind the key at @at, which is @n bytes long; NULL: it is another word. */
static char *argument_value(char *line, char *at, size_t n)
{
	char *value = at + n;

	if (at > line && !is_between_words(at[-1]) && at[-1] != '=')
		return NULL;
	value += *value == '"' || *value == '\'';
	if (*value != '=' && *value != ' ' && *value != '\t')
		return NULL;
	value = skip_blanks(value + 1);
	return value + strspn(value, "\"'");
}

static int find_in_arguments(struct search *x, char *text)
{
	size_t n = strlen(x->setting->key);

	for (char *line; (line = take_line(&text));) {
		char *at = line;

		x->line++;
		if (is_comment(skip_blanks(line)))
			continue;
		while ((at = strstr(at, x->setting->key))) {
			char *value = argument_value(line, at, n), *end, c;
			int err;

			at += n;
			if (!value)
				continue;
			end = value + strcspn(value, BLANKS "\"'");
			c = *end;
			*end = '\0';
			err = found(x, value);
			*end = c;
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int setting_find(const struct setting *s, char *text,
		 int (*each)(void *data, const char *value, unsigned line), void *data)
{
	struct search x = { .setting = s, .each = each, .data = data };

	switch (s->syntax) {
	case SETTING_LINES:
		return find_in_lines(&x, text);
	case SETTING_JSON:
		return find_in_json(&x, text);
	case SETTING_XML:
		return find_in_xml(&x, text);
	case SETTING_ARGUMENT:
		return find_in_arguments(&x, text);
	}
	return -EINVAL;
}
