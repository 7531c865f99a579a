/* SPDX-License-Identifier: MIT */
#include "rofs/ui/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "basic/text.h"
#include "system/log.h"

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
	_cleanup_strbuf_ struct strbuf known = { 0 };

	for (size_t i = 0; i < n; i++)
		strbuf_addf(&known, "%s%s", i ? "," : "", columns[i].name);
	return log_error(-EINVAL, "--output: unknown column %.*s; expected %s", (int)len, name,
			 known.failed ? "another" : known.text);
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

/* Named twice, shown once. */
static void choose(size_t *chosen, size_t *n, size_t column)
{
	for (size_t i = 0; i < *n; i++)
		if (chosen[i] == column)
			return;
	chosen[(*n)++] = column;
}

static int choose_named(const struct table_column *columns, size_t n, const char *names,
			size_t *chosen, size_t *n_chosen)
{
	for (const char *s = names;; s++) {
		size_t len = strcspn(s, ","), i = 0;
		int err = find_column(columns, n, s, len, &i);

		if (err < 0)
			return err;
		choose(chosen, n_chosen, i);
		s += len;
		if (!*s)
			return 0;
	}
}

int table_choose(const struct table_column *columns, size_t n, const struct table_style *style,
		 size_t **ret, size_t *ret_n)
{
	_cleanup_free_ size_t *chosen = calloc(n, sizeof(*chosen));
	size_t n_chosen = 0;
	int err = 0;

	if (!chosen)
		return -ENOMEM;
	if (style->columns)
		err = choose_named(columns, n, style->columns, chosen, &n_chosen);
	for (size_t i = 0; i < n && !style->columns; i++)
		if (!(columns[i].flags & TABLE_HIDDEN))
			choose(chosen, &n_chosen, i);
	if (err < 0)
		return err;

	*ret = TAKE_PTR(chosen);
	*ret_n = n_chosen;
	return 0;
}

static int add_column(struct table *t, const struct table_column *c, bool raw)
{
	int flags = 0;

	if (c->flags & TABLE_RIGHT)
		flags |= SCOLS_FL_RIGHT;
	/* Programs that read it want the names without branches. */
	if ((c->flags & TABLE_TREE) && !raw)
		flags |= SCOLS_FL_TREE;
	if (c->flags & TABLE_TRUNC)
		flags |= SCOLS_FL_TRUNC;
	return scols_table_new_column(t->scols, c->name, 0, flags) ? 0 : -ENOMEM;
}

static int add_columns(struct table *t, const struct table_column *columns, size_t n,
		       const struct table_style *style)
{
	_cleanup_free_ size_t *chosen = NULL;
	size_t n_chosen;
	int err = table_choose(columns, n, style, &chosen, &n_chosen);

	for (size_t i = 0; i < n; i++)
		t->place[i] = HIDDEN;
	for (size_t i = 0; err >= 0 && i < n_chosen; i++) {
		t->place[chosen[i]] = i;
		err = add_column(t, &columns[chosen[i]], style->raw);
	}
	return err;
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
	err = add_columns(t, columns, n, style);
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

const char *table_bytes(char buffer[TEXT_BYTES_MAX], uint64_t bytes)
{
	size_t number = strcspn(text_bytes(buffer, bytes), " ");

	buffer[number] = buffer[number + 1];
	buffer[number + 1] = '\0';
	return buffer;
}

void table_cell_bytes(struct table *t, struct libscols_line *line, size_t column, uint64_t bytes)
{
	char text[TEXT_BYTES_MAX];

	table_cell(t, line, column, table_bytes(text, bytes));
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
	if (t->failed)
		return -ENOMEM;
	if (scols_table_get_nlines(t->scols) == 0)
		return 0;
	return scols_print_table(t->scols) < 0 ? -ENOMEM : 0;
}

void table_help(const struct table_column *columns, size_t n, FILE *f)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  %-10s %s\n", columns[i].name, columns[i].help);
}
