/* SPDX-License-Identifier: MIT */
#include "software/setting.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "software/setting-search.h"

int setting_found(const struct setting_search *x, const char *value)
{
	const struct setting_visitor *v = x->visitor;
	const char *except = x->setting->except;

	return except && fnmatch(except, value, 0) == 0 ? 0 : v->value(v->data, value, x->line);
}

char *setting_take_line(char **next)
{
	char *line = *next, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	*next = end ? end + 1 : NULL;
	return line;
}

char *setting_skip_blanks(char *s)
{
	return s + strspn(s, SETTING_BLANKS);
}

void setting_trim_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(SETTING_BLANKS, s[n - 1]))
		s[--n] = '\0';
}

bool setting_is_comment(const char *s)
{
	return *s == '#' || *s == ';' || (s[0] == '/' && s[1] == '/');
}

/* Goes on from @s to @end, and counts the lines. */
static void move_to(struct setting_search *x, char **s, const char *end)
{
	for (; *s < end; ++*s)
		x->line += **s == '\n';
}

char *setting_skip_past(struct setting_search *x, char *s, const char *end)
{
	char *at = strstr(s, end);

	move_to(x, &s, at ? at + strlen(end) : s + strlen(s));
	return s;
}

/* Is it this element? Its name ends at @n. */
static bool is_element(const char *s, const char *name, size_t n)
{
	return strncmp(s, name, n) == 0 && s[n] && strchr(">" SETTING_BLANKS "\n", s[n]);
}

/* struct span - a part of the text */
struct span {
	char *begin, *end;
};

/* What is between the tag whose name ends at @s and the next one. False: not on one line. */
static bool find_text(char *s, struct span *ret)
{
	char *text = s + strcspn(s, "<>\n");

	if (*text != '>')
		return false;
	text = setting_skip_blanks(text + 1);
	*ret = (struct span){ text, text + strcspn(text, "<\n") };
	return *ret->end == '<';
}

/* The value of an attribute in the tag whose name ends at @s. False: it has none. */
static bool find_attribute(char *s, const char *name, struct span *ret)
{
	static const char blanks[] = SETTING_BLANKS "\n";
	size_t n = strlen(name);

	while (*(s += strspn(s, blanks)) && !strchr("/>", *s)) {
		size_t len = strcspn(s, "=>" SETTING_BLANKS "\n");
		char *value = s + len + strspn(s + len, "=" SETTING_BLANKS "\n");
		char quote = *value, *end;

		if (quote != '"' && quote != '\'')
			return false;
		/* No value has a < in it, so that no part of the text is looked at more than twice. */
		end = value + 1 + strcspn(value + 1, quote == '"' ? "\"<" : "'<");
		if (*end != quote)
			return false;
		*ret = (struct span){ value + 1, end };
		if (len == n && strncmp(s, name, n) == 0)
			return true;
		s = end + 1;
	}
	return false;
}

int setting_find_in_xml(struct setting_search *x, char *s)
{
	const char *key = x->setting->key, *attribute = strchr(key, ' ');
	size_t n = strcspn(key, " ");
	int err = 0;

	x->line = 1;
	while (err >= 0 && *(s = setting_skip_past(x, s, "<"))) {
		struct span v;
		char c;

		if (strncmp(s, "!--", 3) == 0) {
			s = setting_skip_past(x, s, "-->");
			continue;
		}
		if (!is_element(s, key, n) ||
		    !(attribute ? find_attribute(s + n, attribute + 1, &v) : find_text(s + n, &v)))
			continue;
		move_to(x, &s, v.end);
		c = *v.end;
		*v.end = '\0';
		setting_trim_end(v.begin);
		err = setting_found(x, v.begin);
		*v.end = c;
	}
	return err;
}

static bool is_between_words(char c)
{
	return c == '\0' || strchr(SETTING_BLANKS "\"'", c);
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
	value = setting_skip_blanks(value + 1);
	return value + strspn(value, "\"'");
}

int setting_find_in_arguments(struct setting_search *x, char *text)
{
	size_t n = strlen(x->setting->key);

	for (char *line; (line = setting_take_line(&text));) {
		char *at = line;

		x->line++;
		if (setting_is_comment(setting_skip_blanks(line)))
			continue;
		while ((at = strstr(at, x->setting->key))) {
			char *value = argument_value(line, at, n), *end, c;
			int err;

			at += n;
			if (!value)
				continue;
			end = value + strcspn(value, SETTING_BLANKS "\"'");
			c = *end;
			*end = '\0';
			err = setting_found(x, value);
			*end = c;
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int setting_find(const struct setting *s, char *text, const struct setting_visitor *v)
{
	struct setting_search x = { .setting = s, .visitor = v };

	switch (s->syntax) {
	case SETTING_LINES:
		return setting_find_in_lines(&x, text);
	case SETTING_JSON:
		return setting_find_in_json(&x, text);
	case SETTING_APT:
		return setting_find_in_apt(&x, text);
	case SETTING_XML:
		return setting_find_in_xml(&x, text);
	case SETTING_ARGUMENT:
		return setting_find_in_arguments(&x, text);
	}
	return -EINVAL;
}
