/* SPDX-License-Identifier: MIT */
/* The suggestion as the text of a file: comments above what they are about, lines that fit a terminal. */
#include <string.h>

#include "basic/text.h"
#include "rofs/suggest/suggestion.h"

#define COLUMNS 88u /* as in conf/rofs.conf */

/*
 * @first begins the first line, and as many blanks the others. Words are not cut: a path stays a
 * path.
 */
static void add_comment(struct strbuf *b, const char *first, const char *text)
{
	size_t indent = strlen(first), column = indent + 1;

	strbuf_addf(b, "#%s", first);
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > indent + 1 && column + 1 + n > COLUMNS) {
			strbuf_addf(b, "\n#%*s", (int)indent, "");
			column = indent + 1;
		} else if (column > indent + 1) {
			strbuf_add_char(b, ' ');
			column++;
		}
		strbuf_add_n(b, text, n);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	strbuf_add_char(b, '\n');
}

/* What a medium or a unit has named could end the comment otherwise. */
static int add_text(struct strbuf *b, const char *first, const char *text)
{
	_cleanup_free_ char *printable = NULL;
	int err = text_printable(text, &printable);

	if (err < 0)
		return err;
	add_comment(b, first, printable);
	return 0;
}

static int add_steps(struct strbuf *b, const struct suggested_text *steps)
{
	if (steps->n == 0)
		return 0;
	strbuf_add(b, "#\n# Before the reboot:\n#\n");
	for (size_t i = 0; i < steps->n; i++) {
		char number[32];
		int err;

		snprintf(number, sizeof(number), " %zu. ", i + 1);
		err = add_text(b, number, steps->list[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static int add_intro(struct strbuf *b, const struct suggestion *s)
{
	for (size_t i = 0; i < s->intro.n; i++) {
		int err;

		if (i > 0)
			strbuf_add(b, "#\n");
		err = add_text(b, " ", s->intro.list[i]);
		if (err < 0)
			return err;
	}
	return add_steps(b, &s->steps);
}

/* A reason may have several paragraphs, one a line. */
static int add_why(struct strbuf *b, const char *why)
{
	for (const char *end; *why; why = *end ? end + 1 : end) {
		_cleanup_free_ char *line = NULL;
		int err;

		end = strchrnul(why, '\n');
		line = strndup(why, (size_t)(end - why));
		if (!line)
			return -ENOMEM;
		err = add_text(b, " ", line);
		if (err < 0)
			return err;
	}
	return 0;
}

static void add_header(struct strbuf *b, const struct suggested_section *s)
{
	strbuf_addf(b, "[%s%s%s]\n", conf_kind_to_string(s->kind), s->name ? " " : "",
		    s->name ? s->name : "");
}

static int add_section(struct strbuf *b, const struct suggested_section *s)
{
	const char *mark = s->commented ? "#" : "";
	int err;

	strbuf_add_char(b, '\n');
	err = add_why(b, s->why);
	if (err < 0)
		return err;
	strbuf_add(b, mark);
	add_header(b, s);
	for (size_t i = 0; i < s->n_keys; i++) {
		err = s->keys[i].why ? add_why(b, s->keys[i].why) : 0;
		if (err < 0)
			return err;
		strbuf_addf(b, "%s%s\n", mark, s->keys[i].assignment);
	}
	return 0;
}

static int add_notes(struct strbuf *b, const struct suggested_text *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		int err;

		strbuf_add_char(b, '\n');
		err = add_text(b, " ", notes->list[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

int suggestion_print(const struct suggestion *s, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	int err = add_intro(&b, s);

	for (size_t i = 0; i < s->n_sections && err >= 0; i++)
		err = add_section(&b, &s->sections[i]);
	if (err >= 0)
		err = add_notes(&b, &s->notes);
	return err < 0 ? err : strbuf_take(&b, ret);
}

/* Of an overlay: is there a persist on its path, which could be in force in its place? */
static bool is_replaced(const struct suggestion *s, const struct suggested_section *overlay)
{
	for (size_t i = 0; i < s->n_sections; i++)
		if (s->sections[i].kind == CONF_PERSIST &&
		    strcmp(s->sections[i].name, overlay->name) == 0)
			return true;
	return false;
}

int suggestion_declare(const struct suggestion *s, bool all, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < s->n_sections; i++) {
		const struct suggested_section *x = &s->sections[i];

		if (all ? x->kind == CONF_OVERLAY && is_replaced(s, x) : x->commented)
			continue;
		add_header(&b, x);
		for (size_t k = 0; k < x->n_keys; k++)
			strbuf_addf(&b, "%s\n", x->keys[k].assignment);
	}
	return strbuf_take(&b, ret);
}
