/* SPDX-License-Identifier: MIT */
#include "software/setting.h"

#include <errno.h>
#include <string.h>

#include "software/setting-search.h"

int setting_found(const struct setting_search *x, const char *value)
{
	return x->each(x->data, value, x->line);
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

char *setting_skip_past(struct setting_search *x, char *s, const char *end)
{
	char *at = strstr(s, end), *to = at ? at + strlen(end) : s + strlen(s);

	for (; s < to; s++)
		x->line += *s == '\n';
	return to;
}

int setting_find_in_xml(struct setting_search *x, char *s)
{
	size_t n = strlen(x->setting->key);

	x->line = 1;
	while (*(s = setting_skip_past(x, s, "<"))) {
		char *value;
		int err;

		if (strncmp(s, "!--", 3) == 0) {
			s = setting_skip_past(x, s, "-->");
			continue;
		}
		if (strncmp(s, x->setting->key, n) != 0 || s[n] != '>')
			continue;
		value = s + n + 1;
		s = value + strcspn(value, "<\n");
		if (*s != '<')
			continue;
		*s = '\0';
		setting_trim_end(value);
		err = setting_found(x, setting_skip_blanks(value));
		*s = '<';
		if (err < 0)
			return err;
	}
	return 0;
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

int setting_find(const struct setting *s, char *text,
		 int (*each)(void *data, const char *value, unsigned line), void *data)
{
	struct setting_search x = { .setting = s, .each = each, .data = data };

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
