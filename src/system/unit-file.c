/* SPDX-License-Identifier: MIT */
#include "system/unit-file.h"

#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"

#define BLANKS "\t\r " /* at the ends of a line, without the newline */

void unit_file_done(struct unit_file *u)
{
	for (size_t i = 0; i < u->n_files; i++) {
		free(u->files[i]);
		free(u->texts[i]);
	}
	free(u->files);
	free(u->texts);
	free(u->unread_file);
	free(u->settings);
	*u = (struct unit_file){ 0 };
}

/* Lines as config_parse() of systemd's src/shared/conf-parser.c reads them; the text is changed in place. */
struct lines {
	char *at;
	const char *end;
	unsigned n; /* lines read */
};

/* Removes blanks at the end. Returns: the new end. */
static char *strip(const char *begin, char *end)
{
	while (end > begin && strchr(BLANKS, end[-1]))
		end--;
	return end;
}

/* The next line without blanks at its ends, not yet followed by a NUL, or NULL. */
static char *next_line(struct lines *l, char **ret_end)
{
	char *begin = l->at, *newline;

	if (begin >= l->end)
		return NULL;
	newline = memchr(begin, '\n', (size_t)(l->end - begin));
	*ret_end = newline ? newline : begin + (l->end - begin);
	l->at = *ret_end + 1;
	l->n++;
	while (begin < *ret_end && strchr(BLANKS, *begin))
		begin++;
	*ret_end = strip(begin, *ret_end);
	return begin;
}

static bool is_comment(const char *begin, const char *end)
{
	return begin < end && (*begin == '#' || *begin == ';');
}

/* A backslash that is not escaped itself joins the next line. */
static bool is_continued(const char *begin, const char *end)
{
	size_t n = 0;

	while (end - n > begin && end[-1 - (ptrdiff_t)n] == '\\')
		n++;
	return n % 2 == 1;
}

/* All that is one line to systemd, or NULL. Comments between its parts are passed over. */
static char *next_statement(struct lines *l, unsigned *ret_line)
{
	char *begin = NULL, *end = NULL, *line, *line_end;
	bool more = true;

	while (more && (line = next_line(l, &line_end))) {
		if (is_comment(line, line_end))
			continue;
		if (!begin) {
			begin = end = line;
			*ret_line = l->n;
		}
		memmove(end, line, (size_t)(line_end - line));
		end += line_end - line;
		more = is_continued(begin, end);
		if (more)
			end[-1] = ' ';
	}
	if (begin)
		*strip(begin, end) = '\0';
	return begin;
}

/* @s is "[Name]". Returns: the name. */
static const char *section_name(char *s)
{
	size_t n = strlen(s);

	if (s[n - 1] != ']')
		return "";
	s[n - 1] = '\0';
	return s + 1;
}

static int add_setting(struct unit_file *u, const char *section, char *s, struct pos pos)
{
	char *equals = strchr(s, '='), *value;

	if (!equals || !section)
		return 0;
	if (array_reserve(u->settings, u->n_settings) < 0)
		return -ENOMEM;
	value = equals + 1;
	value += strspn(value, BLANKS);
	*strip(s, equals) = '\0';
	u->settings[u->n_settings++] = (struct unit_setting){ section, s, value, pos };
	return 0;
}

static int add_settings(struct unit_file *u, const char *path, char *text, size_t len)
{
	struct lines l = { text, text + len, 0 };
	const char *section = NULL;
	struct pos pos = { .file = path };
	int err = 0;
	char *s;

	/* A byte order mark. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		l.at += 3;
	while (err >= 0 && (s = next_statement(&l, &pos.line))) {
		if (*s == '[')
			section = section_name(s);
		else
			err = add_setting(u, section, s, pos);
	}
	return err;
}

int unit_file_add(struct unit_file *u, const char *path, char *text, size_t len)
{
	_cleanup_free_ char *owned = text, *copy = strdup(path);
	char *nul;

	if (!copy || array_reserve(u->files, u->n_files) < 0 ||
	    array_reserve(u->texts, u->n_files) < 0)
		return -ENOMEM;
	/* To systemd a NUL ends a line as well. */
	while ((nul = memchr(text, '\0', len)))
		*nul = '\n';
	u->files[u->n_files] = TAKE_PTR(copy);
	u->texts[u->n_files] = TAKE_PTR(owned);
	return add_settings(u, u->files[u->n_files++], text, len);
}

static bool is_setting(const struct unit_setting *s, const char *section, const char *key)
{
	return strcmp(s->key, key) == 0 && strcmp(s->section, section) == 0;
}

const struct unit_setting *unit_file_last(const struct unit_file *u, const char *section,
					  const char *key)
{
	for (size_t i = u->n_settings; i-- > 0;)
		if (is_setting(&u->settings[i], section, key))
			return u->settings[i].value[0] ? &u->settings[i] : NULL;
	return NULL;
}

/* The first assignment that no later one resets. */
static size_t first_of_list(const struct unit_file *u, const char *section, const char *key)
{
	size_t first = u->n_settings;

	for (size_t i = u->n_settings; i-- > 0;) {
		if (!is_setting(&u->settings[i], section, key))
			continue;
		if (!u->settings[i].value[0])
			break;
		first = i;
	}
	return first;
}

const struct unit_setting *unit_file_next(const struct unit_file *u, const char *section,
					  const char *key, const struct unit_setting *previous)
{
	size_t i = previous ? (size_t)(previous - u->settings) + 1 : first_of_list(u, section, key);

	for (; i < u->n_settings; i++)
		if (is_setting(&u->settings[i], section, key))
			return &u->settings[i];
	return NULL;
}

static bool has_word(const struct unit_file *u, const char *key, const char *word)
{
	size_t len = strlen(word);

	for (const struct unit_setting *s = NULL; (s = unit_file_next(u, "Unit", key, s));)
		for (const char *w = s->value; *(w += strspn(w, " \t"));) {
			size_t n = strcspn(w, " \t");

			if (n == len && strncmp(w, word, n) == 0)
				return true;
			w += n;
		}
	return false;
}

bool unit_file_pulls_in(const struct unit_file *u, const char *name)
{
	static const char *const keys[] = { "Requires", "Wants", "BindsTo", "Requisite" };

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (has_word(u, keys[i], name))
			return true;
	return false;
}
