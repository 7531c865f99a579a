/* SPDX-License-Identifier: MIT */
#include "rofs/ui/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "basic/text.h"
#include "rofs/ui/table-plain.h"

#define CELL_MAX 64u
#define HIDDEN	 SIZE_MAX /* in table.place: the column is not shown */

struct table {
	struct libscols_table *scols;
	const struct output *output;
	size_t *place; /* for each column: which one of the table it is, or HIDDEN */
	bool failed;
};

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	free(t->place);
	free(t);
}

void table_freep(struct table **t)
{
	table_free(*t);
}

static int unknown_column(const struct table_column *columns, size_t n, const char *name,
			  size_t len)
{
	fprintf(stderr, "rofs: --output: unknown column %.*s; expected", (int)len, name);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%c%s", i ? ',' : ' ', columns[i].name);
	fputc('\n', stderr);
	return -EINVAL;
}

static int find_column(const struct table_column *columns, size_t n, const char *name, size_t len,
		       size_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(columns[i].name) == len &&
		    strncasecmp(columns[i].name, name, len) == 0) {
			*ret = i;
			return 0;
		}
	return unknown_column(columns, n, name, len);
}

static int add_column(struct table *t, const struct table_column *c, size_t i, bool raw)
{
	int flags = 0;

	if (t->place[i] != HIDDEN)
		return 0; /* named twice, shown once */
	if (c->flags & TABLE_RIGHT)
		flags |= SCOLS_FL_RIGHT;
	/* Programs that read it want the names without branches. */
	if ((c->flags & TABLE_TREE) && !raw)
		flags |= SCOLS_FL_TREE;
	if (c->flags & TABLE_TRUNC)
		flags |= SCOLS_FL_TRUNC;
	t->place[i] = scols_table_get_ncols(t->scols);
	return scols_table_new_column(t->scols, c->name, 0, flags) ? 0 : -ENOMEM;
}

static int add_default_columns(struct table *t, const struct table_column *columns, size_t n,
			       bool raw)
{
	for (size_t i = 0; i < n; i++) {
		int err = columns[i].flags & TABLE_HIDDEN ? 0 : add_column(t, &columns[i], i, raw);

		if (err < 0)
			return err;
	}
	return 0;
}

static int add_named_columns(struct table *t, const struct table_column *columns, size_t n,
			     const struct table_style *style)
{
	for (const char *s = style->columns;; s++) {
		size_t len = strcspn(s, ","), i = 0;
		int err = find_column(columns, n, s, len, &i);

		if (err >= 0)
			err = add_column(t, &columns[i], i, style->raw);
		if (err < 0)
			return err;
		s += len;
		if (!*s)
			return 0;
	}
}

static void set_style(struct table *t, const struct table_style *style)
{
	const struct output *o = t->output;

	scols_table_enable_noheadings(t->scols, style->no_headings);
	scols_table_enable_raw(t->scols, style->raw);
	scols_table_enable_colors(t->scols, o->colour && !style->raw);
	/* libsmartcols would see the pipe to the pager, not the terminal. */
	scols_table_set_termforce(t->scols,
				  o->terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (o->terminal)
		scols_table_set_termwidth(t->scols, o->width);
}

int table_new(const struct table_column *columns, size_t n, const struct table_style *style,
	      const struct output *o, struct table **ret)
{
	_cleanup_table_ struct table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->output = o;
	t->scols = scols_new_table();
	t->place = calloc(n, sizeof(*t->place));
	if (!t->scols || !t->place)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		t->place[i] = HIDDEN;

	err = style->columns ? add_named_columns(t, columns, n, style) :
			       add_default_columns(t, columns, n, style->raw);
	if (err < 0)
		return err;
	set_style(t, style);
	*ret = TAKE_PTR(t);
	return 0;
}

struct libscols_line *table_line(struct table *t, struct libscols_line *parent)
{
	struct libscols_line *line = scols_table_new_line(t->scols, parent);

	t->failed = t->failed || !line;
	return line;
}

void table_cell(struct table *t, struct libscols_line *line, size_t column, const char *text)
{
	if (!line || !text || t->place[column] == HIDDEN)
		return;
	if (scols_line_set_data(line, t->place[column], text) < 0)
		t->failed = true;
}

void table_cellf(struct table *t, struct libscols_line *line, size_t column, const char *format,
		 ...)
{
	char text[CELL_MAX];
	va_list ap;

	if (t->place[column] == HIDDEN)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	table_cell(t, line, column, text);
}

void table_cell_bytes(struct table *t, struct libscols_line *line, size_t column, uint64_t bytes)
{
	char text[TEXT_BYTES_MAX];
	size_t number = strcspn(text_bytes(text, bytes), " ");

	table_cellf(t, line, column, "%.*s%c", (int)number, text, text[number + 1]);
}

void table_colour(struct table *t, struct libscols_line *line, size_t column, enum colour c)
{
	struct libscols_cell *cell;

	if (!line || t->place[column] == HIDDEN || !t->output->colour)
		return;
	cell = scols_line_get_cell(line, t->place[column]);
	if (cell)
		scols_cell_set_color(cell, output_colour(t->output, c));
}

int table_print(struct table *t)
{
	int err = 0;

	if (t->failed)
		return -ENOMEM;
	if (scols_table_get_nlines(t->scols) == 0)
		return 0;
	if (!t->output->terminal)
		err = table_print_plain(t->scols);
	if (err != 0)
		return err < 0 ? err : 0;
	return scols_print_table(t->scols) < 0 ? -ENOMEM : 0;
}

void table_help(const struct table_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("  %-10s %s\n", columns[i].name, columns[i].help);
}
