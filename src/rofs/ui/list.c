/* SPDX-License-Identifier: MIT */
#include "rofs/ui/list.h"

#include <string.h>
#include <wchar.h>

#include "basic/text.h"

/* One long path must not put blanks into all other lines: a wider cell moves only what follows it. */
#define WIDTH_MAX 255u

struct list {
	const struct table_column *columns;
	const struct table_style *style;
	const struct output *output;
	size_t *chosen, n; /* which of the columns are shown */
	size_t *widths;	   /* of those */
};

void list_free(struct list *l)
{
	if (!l)
		return;
	free(l->chosen);
	free(l->widths);
	free(l);
}

void list_freep(struct list **l)
{
	list_free(*l);
}

int list_new(const struct table_column *columns, size_t n, const struct table_style *style,
	     const struct output *o, struct list **ret)
{
	_cleanup_list_ struct list *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->columns = columns;
	l->style = style;
	l->output = o;
	err = table_choose(columns, n, style, &l->chosen, &l->n);
	if (err < 0)
		return err;
	l->widths = calloc(l->n, sizeof(*l->widths));
	if (!l->widths)
		return -ENOMEM;
	/* Also where they are not printed: the same columns have the same width then. */
	for (size_t i = 0; i < l->n; i++)
		l->widths[i] = strlen(columns[l->chosen[i]].name);
	*ret = TAKE_PTR(l);
	return 0;
}

static size_t add_hex(struct strbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addf(b, "\\x%02x", (unsigned)(unsigned char)s[i]);
	return 4 * n;
}

/* A character that is not plain ASCII, and moves @s behind it. Returns its columns. */
static size_t add_character(struct strbuf *b, const char **s)
{
	const char *at = *s;
	uint32_t c;
	size_t n = text_next(at, &c);
	int width = n > 0 && !text_is_control(c) ? wcwidth((wchar_t)c) : -1;

	*s += n > 0 ? n : 1;
	if (width < 0)
		return add_hex(b, at, n > 0 ? n : 1);
	strbuf_add_n(b, at, n);
	return (size_t)width;
}

/* Bytes at the beginning that are printable ASCII from @first on, and no backslash. */
static size_t plain_length(const char *s, char first)
{
	size_t n = 0;

	while (s[n] >= first && s[n] <= '~' && s[n] != '\\')
		n++;
	return n;
}

size_t list_add(struct strbuf *b, const char *text)
{
	size_t width = 0;

	for (const char *s = text; *s;) {
		size_t n = plain_length(s, ' ');

		strbuf_add_n(b, s, n);
		width += n;
		s += n;
		if (*s == '\\' && s[1] == 'x')
			width += add_hex(b, s++, 1);
		else if (*s)
			width += add_character(b, &s);
	}
	return width;
}

size_t list_add_raw(struct strbuf *b, const char *text)
{
	for (const char *s = text; *s;) {
		size_t n = plain_length(s, '!');

		strbuf_add_n(b, s, n);
		s += n;
		if (*s)
			add_hex(b, s++, 1);
	}
	return 0; /* it needs none */
}

void list_measure(struct list *l, const struct list_cell *cells)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t width = cells[l->chosen[i]].width;

		if (width > l->widths[i] && width <= WIDTH_MAX)
			l->widths[i] = width;
	}
}

static void print_blanks(size_t n)
{
	while (n-- > 0)
		putc_unlocked(' ', stdout);
}

static void print_text(const struct list *l, const struct list_cell *cell)
{
	bool coloured = cell->colour != COLOUR_NONE && !l->style->raw;

	if (coloured)
		fputs_unlocked(output_colour(l->output, cell->colour), stdout);
	fputs_unlocked(cell->text, stdout);
	if (coloured)
		fputs_unlocked(output_colour(l->output, COLOUR_NONE), stdout);
}

/* @pending: blanks that are due before the next text. None are printed at the end of a line. */
static void print_cell(const struct list *l, size_t i, const struct list_cell *cell,
		       size_t *pending)
{
	size_t blanks = cell->width < l->widths[i] ? l->widths[i] - cell->width : 0;
	bool right = l->columns[l->chosen[i]].flags & TABLE_RIGHT;

	if (!cell->text || !*cell->text) {
		*pending += blanks + 1;
		return;
	}
	print_blanks(*pending + (right ? blanks : 0));
	print_text(l, cell);
	*pending = (right ? 0 : blanks) + 1;
}

static void print_raw(const struct list *l, size_t i, const struct list_cell *cell)
{
	if (i > 0)
		putc_unlocked(' ', stdout);
	if (cell->text)
		print_text(l, cell);
}

void list_print(const struct list *l, const struct list_cell *cells)
{
	size_t pending = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->style->raw)
			print_raw(l, i, &cells[l->chosen[i]]);
		else
			print_cell(l, i, &cells[l->chosen[i]], &pending);
	}
	putc_unlocked('\n', stdout);
}

void list_print_headings(const struct list *l)
{
	size_t pending = 0;

	if (l->style->no_headings)
		return;
	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->columns[l->chosen[i]].name;
		const struct list_cell cell = { name, strlen(name), COLOUR_NONE };

		if (l->style->raw)
			print_raw(l, i, &cell);
		else
			print_cell(l, i, &cell, &pending);
	}
	putc_unlocked('\n', stdout);
}
