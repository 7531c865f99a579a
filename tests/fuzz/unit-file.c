/* SPDX-License-Identifier: MIT */
/* A unit as systemd reads it: comments, continuation lines, sections, settings. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"

void unit_done(struct unit *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->settings[i].section);
		free(u->settings[i].key);
		free(u->settings[i].value);
	}
	free(u->settings);
}

char *copy_n(const char *s, size_t n)
{
	size_t len = strlen(s);
	char *copy = strndup(s, n < len ? n : len);

	check_that(copy != NULL, "out of memory", "");
	return copy;
}

char *join(const char *a, const char *b)
{
	char *s = NULL;

	check_that(asprintf(&s, "%s%s", a, b) >= 0, "out of memory", "");
	return s;
}

char *strip(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && strchr(" \t", s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

/* One logical line: continuation lines are joined already. */
static void parse_line(struct unit *u, char **section, char *line)
{
	char *equals;

	line = strip(line);
	if (!*line)
		return;
	if (*line == '[') {
		check_that(line[strlen(line) - 1] == ']', "broken section header", line);
		free(*section);
		*section = copy_n(line + 1, strlen(line) - 2);
		return;
	}

	equals = strchr(line, '=');
	check_that(equals != NULL, "a line that is no setting", line);
	check_that(*section != NULL, "a setting before any section", line);
	*equals = '\0';
	check_that(array_reserve(u->settings, u->n) == 0, "out of memory", "");
	u->settings[u->n++] = (struct setting){
		copy_n(*section, strlen(*section)),
		copy_n(strip(line), strlen(strip(line))),
		copy_n(strip(equals + 1), strlen(strip(equals + 1))),
	};
}

/* Does an odd number of backslashes end the line, so that the next one belongs to it? */
static bool continues(const char *line)
{
	bool escaped = false;

	for (; *line; line++)
		escaped = !escaped && *line == '\\';
	return escaped;
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '#' || *line == ';';
}

/* conf-parser.c, config_parse(): comments are skipped also between continuation lines. */
struct unit parse_unit(const struct unit_file *f)
{
	_cleanup_free_ char *section = NULL, *pending = NULL, *copy = copy_n(f->text, SIZE_MAX);
	struct unit u = { .name = f->name };
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *joined;

		if (is_comment(line))
			continue;
		joined = join(pending ? pending : "", line);
		free(pending);
		pending = joined;
		if (continues(joined)) {
			joined[strlen(joined) - 1] = ' ';
			continue;
		}
		parse_line(&u, &section, joined);
		free(pending);
		pending = NULL;
	}
	check_that(!pending, "the last line continues", f->name);
	return u;
}

const char *value_of(const struct unit *u, const char *key)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->settings[i].key, key) == 0)
			return u->settings[i].value;
	check_that(false, key, "is missing");
	return NULL;
}
