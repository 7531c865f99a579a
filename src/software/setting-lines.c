/* SPDX-License-Identifier: MIT */
/* Lines that assign: of ini files, of YAML, and the like. */
#include <fnmatch.h>
#include <string.h>

#include "software/setting-search.h"

#define SECTION_LENGTH 64u /* longer ones are none of the table's */

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
		if (*end == '#' && (end == s || strchr(SETTING_BLANKS, end[-1])))
			break;
	*end = '\0';
	setting_trim_end(s);
	return s;
}

/* A line taken apart. */
struct assignment {
	char *key, *value;
	char separator; /* '=', ':', or ' ' where there is neither */
};

/* Where a key ends. A colon that no blank follows is part of it, as in YAML. */
static char *key_end(char *s)
{
	s += strcspn(s, "=:" SETTING_BLANKS);
	while (*s == ':' && s[1] && !strchr(SETTING_BLANKS, s[1])) {
		s += strspn(s, ":");
		s += strcspn(s, "=:" SETTING_BLANKS);
	}
	return s;
}

/* False: it assigns nothing. */
static bool split(char *s, struct assignment *ret)
{
	char *quote = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;
	char *key = quote ? s + 1 : s, *end = quote ? quote : key_end(s);
	char *at = setting_skip_blanks(quote ? end + 1 : end), separator = ' ';

	if (end == key)
		return false;
	if (*at == '=' || *at == ':')
		separator = *at;
	if (separator != ' ')
		at = setting_skip_blanks(at + 1);
	*end = '\0';
	*ret = (struct assignment){ key, unquote(at), separator };
	return true;
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

	s = setting_skip_blanks(s + 1);
	end = strchr(s, ']');
	if (end)
		*end = '\0';
	setting_trim_end(s);
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

/*
 * One line of YAML: "[a, b]", whose items are as those with a hyphen; or "{a: b, c: d}". Calls @each
 * for those with this key.
 */
static int find_in_flow(struct setting_search *x, char *s, const char *key,
			int (*each)(const struct setting_search *x, const char *value))
{
	bool is_list = *s == '[', more = true;
	int err = 0;

	for (s++; more && err >= 0; s++) {
		char *end = flow_item_end(s), *item = setting_skip_blanks(s);
		struct assignment a = { .key = "-" };

		more = *end == ',';
		*end = '\0';
		if (is_list)
			a.value = unquote(item);
		else if (!split(item, &a))
			a.value = "";
		if (*a.value && strcasecmp(a.key, key) == 0)
			err = each(x, a.value);
		s = end;
	}
	return err;
}

static int include(const struct setting_search *x, const char *value)
{
	const struct setting_visitor *v = x->visitor;

	return v->include ? v->include(v->data, value) : 0;
}

static bool is_include(const struct setting *s, const char *key)
{
	return s->includes && is_section(key, s->includes);
}

static bool is_flow(const char *value)
{
	return *value == '[' || *value == '{';
}

/* A list of files to include, as TOML has it, may go on for several lines: makes it one. */
static void join_list(struct setting_search *x, char *line, char **next)
{
	char *key_end = line + strcspn(line, "=" SETTING_BLANKS), c = *key_end;
	const char *value = key_end + strspn(key_end, "=" SETTING_BLANKS), *part = value;
	bool included;

	*key_end = '\0';
	included = is_include(x->setting, line);
	*key_end = c;
	while (included && *value == '[' && *next && !strchr(part, ']')) {
		(*next)[-1] = ' ';
		part = setting_take_line(next);
		x->line++;
	}
}

/* What is not empty. */
static int read_assignment(struct setting_search *x, const char *section,
			   const struct assignment *a)
{
	const struct setting *s = x->setting;

	if (is_include(s, a->key))
		return is_flow(a->value) ? find_in_flow(x, a->value, "-", include) :
					   include(x, a->value);
	if (strcasecmp(a->key, s->key) == 0 && is_section(section, s->section))
		return setting_found(x, a->value);
	if (is_flow(a->value) && is_section(a->key, s->section))
		return find_in_flow(x, a->value, s->key, setting_found);
	return 0;
}

int setting_find_in_lines(struct setting_search *x, char *text)
{
	const char *section = "";
	int err = 0;

	for (char *line; err >= 0 && (line = setting_take_line(&text));) {
		struct assignment a;
		char *s = setting_skip_blanks(line);

		x->line++;
		if (setting_is_comment(s))
			continue;
		if (*s == '[') {
			section = section_name(s);
			continue;
		}
		join_list(x, s, &text);
		if (!split(s, &a))
			continue;
		/* YAML: what is not indented ends the section, or begins one. */
		if (a.separator == ':' && s == line)
			section = *a.value ? "" : a.key;
		if (*a.value)
			err = read_assignment(x, section, &a);
	}
	return err;
}
