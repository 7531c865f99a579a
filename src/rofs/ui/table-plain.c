/* SPDX-License-Identifier: MIT */
#include "rofs/ui/table-plain.h"

#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

struct layout {
	struct libscols_table *table;
	struct libscols_iter *lines;
	size_t n;
	size_t *widths;
	bool *right;
};

static void layout_done(struct layout *l)
{
	scols_free_iter(l->lines);
	free(l->widths);
	free(l->right);
}

static const char *text_of(struct libscols_cell *cell)
{
	const char *text = scols_cell_get_data(cell);

	return text ? text : "";
}

/* Is each byte one column wide, and printed as it is? */
static bool is_plain(const char *s)
{
	while (*s >= ' ' && *s <= '~' && *s != '\\')
		s++;
	return !*s;
}

static bool widen(size_t *width, const char *text)
{
	size_t n = strlen(text);

	if (n > *width)
		*width = n;
	return is_plain(text);
}

static bool measure(struct layout *l)
{
	struct libscols_line *line;

	for (size_t i = 0; i < l->n; i++) {
		struct libscols_column *c = scols_table_get_column(l->table, i);

		/* Also without headings, for which libsmartcols leaves room anyway. */
		widen(&l->widths[i], text_of(scols_column_get_header(c)));
		l->right[i] = scols_column_is_right(c);
	}
	while (scols_table_next_line(l->table, l->lines, &line) == 0)
		for (size_t i = 0; i < l->n; i++)
			if (!widen(&l->widths[i], text_of(scols_line_get_cell(line, i))))
				return false;
	return true;
}

static void print_blanks(size_t n)
{
	while (n-- > 0)
		putc_unlocked(' ', stdout);
}

static void print_cell(const struct layout *l, size_t i, const char *text)
{
	size_t n = strlen(text), blanks = l->widths[i] - n;

	if (l->right[i])
		print_blanks(blanks);
	fwrite_unlocked(text, 1, n, stdout);
	if (i + 1 == l->n)
		return;
	print_blanks((l->right[i] ? 0 : blanks) + 1);
}

static void print_all(struct layout *l)
{
	struct libscols_line *line;

	for (size_t i = 0; i < l->n && !scols_table_is_noheadings(l->table); i++)
		print_cell(l, i,
			   text_of(scols_column_get_header(scols_table_get_column(l->table, i))));
	if (!scols_table_is_noheadings(l->table))
		putchar('\n');
	scols_reset_iter(l->lines, SCOLS_ITER_FORWARD);
	while (scols_table_next_line(l->table, l->lines, &line) == 0) {
		for (size_t i = 0; i < l->n; i++)
			print_cell(l, i, text_of(scols_line_get_cell(line, i)));
		putchar('\n');
	}
}

int table_print_plain(struct libscols_table *table)
{
	_cleanup_(layout_done) struct layout l = {
		.table = table,
		.lines = scols_new_iter(SCOLS_ITER_FORWARD),
		.n = scols_table_get_ncols(table),
	};

	l.widths = calloc(l.n, sizeof(*l.widths));
	l.right = calloc(l.n, sizeof(*l.right));
	if (!l.lines || !l.widths || !l.right)
		return -ENOMEM;
	if (scols_table_is_tree(table) || scols_table_is_raw(table) || !measure(&l))
		return 0;
	print_all(&l);
	return 1;
}
