/* SPDX-License-Identifier: MIT */
/* rofs diff: the rows as a table, as JSON, as plain paths. */
#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/diff/diff.h"
#include "rofs/ui/json.h"
#include "verdict/observed.h"

enum {
	COLUMN_CHANGE,
	COLUMN_TYPE,
	COLUMN_USED,
	COLUMN_SIZE,
	COLUMN_PATH,
	COLUMN_NOTE,
	COLUMN_OVERLAY,
	COLUMN_POOL,
};

static const struct table_column columns[] = {
	[COLUMN_CHANGE] = { "CHANGE",
			    "A added, M modified, D deleted, T type changed, m attributes, "
			    "= unchanged copy",
			    0 },
	[COLUMN_TYPE] = { "TYPE", "file, dir, link, fifo, socket, char, block", 0 },
	[COLUMN_USED] = { "USED", "space used in RAM, or on the overlay's partition", TABLE_RIGHT },
	[COLUMN_SIZE] = { "SIZE", "size of the content", TABLE_RIGHT },
	[COLUMN_PATH] = { "PATH", "path of the file", 0 },
	[COLUMN_NOTE] = { "NOTE", "details", 0 },
	[COLUMN_OVERLAY] = { "OVERLAY", "path of the overlay", TABLE_HIDDEN },
	[COLUMN_POOL] = { "POOL",
			  "where the change is kept: ram, the overlay's own pool, or a partition",
			  TABLE_HIDDEN },
};

void diff_help_columns(void)
{
	table_help(columns, ELEMENTSOF(columns));
}

static void add_word(struct strbuf *b, const char *separator, const char *word)
{
	if (b->len > 0)
		strbuf_add(b, separator);
	strbuf_add(b, word);
}

/* A new time is no news where the content is modified. */
static unsigned attributes_to_show(const struct change *c)
{
	return c->kind == CHANGE_MODIFIED ? c->attributes & ~(unsigned)CHANGE_TIME : c->attributes;
}

static void add_attributes(struct strbuf *b, const struct change *c)
{
	unsigned bits = attributes_to_show(c);
	const char *separator = "; ";

	for (unsigned bit = 1; bit <= CHANGE_XATTR; bit <<= 1)
		if (bits & bit) {
			add_word(b, separator, change_attribute_to_string(bit));
			separator = ", ";
		}
}

static bool same_content(const struct change *c)
{
	return (c->kind == CHANGE_ATTRIBUTES || c->kind == CHANGE_COPIED) && S_ISREG(c->type);
}

int diff_note(const struct diff_row *row, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct change *c = &row->change;

	strbuf_add(&b, "");
	if (row->by_rofs)
		add_word(&b, "; ", "made by rofs");
	if (row->starts_empty)
		add_word(&b, "; ", "starts empty");
	else if (c->opaque)
		add_word(&b, "; ", "opaque: hides the lower directory");
	if (c->kind == CHANGE_REPLACED) {
		add_word(&b, "; ", "was ");
		strbuf_add(&b, change_type_to_string(c->lower_type));
	}
	if (c->not_compared)
		add_word(&b, "; ", "content not compared");
	if (same_content(c))
		add_word(&b, "; ", "same content");
	add_attributes(&b, c);
	return strbuf_take(&b, ret);
}

static void size_cell(struct table *t, struct libscols_line *line, size_t column, uint64_t n,
		      bool bytes, bool has_content)
{
	/* No empty cells, so that lines can be split at blanks. */
	if (n == 0 && !has_content)
		table_cell(t, line, column, "-");
	else if (bytes)
		table_cellf(t, line, column, "%" PRIu64, n);
	else
		table_cell_bytes(t, line, column, n);
}

static enum colour colour_of(enum change_kind kind)
{
	switch (kind) {
	case CHANGE_ADDED:
		return COLOUR_GOOD;
	case CHANGE_DELETED:
		return COLOUR_BAD;
	case CHANGE_MODIFIED:
	case CHANGE_REPLACED:
		return COLOUR_WARNING;
	case CHANGE_NONE:
	case CHANGE_ATTRIBUTES:
	case CHANGE_COPIED:
	case _CHANGE_KIND_MAX:
		break;
	}
	return COLOUR_DIM;
}

static int add_line(struct table *t, const struct diff_row *row, bool bytes)
{
	const char letter[] = { change_kind_to_letter(row->change.kind), '\0' };
	bool content = row->change.kind != CHANGE_DELETED &&
		       (S_ISREG(row->change.type) || S_ISLNK(row->change.type));
	struct libscols_line *line = table_line(t, NULL);
	_cleanup_free_ char *note = NULL;

	if (diff_note(row, &note) < 0)
		return -ENOMEM;
	table_cell(t, line, COLUMN_CHANGE, letter);
	table_cell(t, line, COLUMN_TYPE, change_type_to_string(row->change.type));
	size_cell(t, line, COLUMN_USED, row->used, bytes, content);
	size_cell(t, line, COLUMN_SIZE, row->size, bytes, content);
	table_cell(t, line, COLUMN_PATH, row->path);
	table_cell(t, line, COLUMN_NOTE, *note ? note : NULL);
	table_cell(t, line, COLUMN_OVERLAY, row->overlay->path);
	table_cell(t, line, COLUMN_POOL, pool_name(row->overlay));
	table_colour(t, line, COLUMN_CHANGE, colour_of(row->change.kind));
	return 0;
}

static int print_table(const struct diff_rows *rows, const struct diff_options *options,
		       const struct output *o)
{
	_cleanup_table_ struct table *t = NULL;
	int err = table_new(columns, ELEMENTSOF(columns), &options->style, o, &t);

	for (size_t i = 0; i < rows->n && err >= 0; i++)
		err = add_line(t, &rows->rows[i], options->bytes);
	return err < 0 ? err : table_print(t);
}

struct total {
	size_t changes, copies;
	uint64_t ram, partitions;
};

static struct total sum_up(const struct diff_rows *rows)
{
	struct total t = { 0 };

	for (size_t i = 0; i < rows->n; i++) {
		const struct diff_row *row = &rows->rows[i];
		uint64_t used = row->counted ? 0 : row->used;

		t.changes += row->change.kind != CHANGE_COPIED;
		t.copies += row->change.kind == CHANGE_COPIED;
		*(row->overlay->on_partition ? &t.partitions : &t.ram) += used;
	}
	return t;
}

static void print_total(const struct diff_rows *rows, size_t hidden)
{
	struct total t = sum_up(rows);
	char ram[TEXT_BYTES_MAX], partitions[TEXT_BYTES_MAX];

	if (rows->n == 0)
		printf("no changes");
	else
		printf("%zu change%s", t.changes, t.changes == 1 ? "" : "s");
	if (t.copies > 0)
		printf(" and %zu unchanged cop%s", t.copies, t.copies == 1 ? "y" : "ies");
	if (rows->n > 0)
		printf(", %s in RAM", text_bytes(ram, t.ram));
	if (t.partitions > 0)
		printf(", %s on partitions", text_bytes(partitions, t.partitions));
	if (hidden > 0)
		printf(" (%zu made by rofs not shown; use --all)", hidden);
	putchar('\n');
}

static void json_attributes(struct json *j, const struct change *c)
{
	json_open(j, "attributes", '[');
	for (unsigned bit = 1; bit <= CHANGE_XATTR; bit <<= 1)
		if (c->attributes & bit)
			json_string(j, NULL, change_attribute_to_string(bit));
	json_close(j, ']');
}

/* A path that is not UTF-8, and so no string of JSON, is given as its bytes as well. */
static void json_path(struct json *j, const char *path)
{
	_cleanup_strbuf_ struct strbuf hex = { 0 };

	json_string(j, "path", path);
	if (text_is_utf8(path, strlen(path)))
		return;
	for (const char *s = path; *s; s++)
		strbuf_addf(&hex, "%02x", (unsigned)(unsigned char)*s);
	if (hex.failed)
		j->text.failed = true;
	else
		json_string(j, "path_hex", hex.text);
}

static void json_row(struct json *j, const struct diff_row *row)
{
	const char letter[] = { change_kind_to_letter(row->change.kind), '\0' };
	const struct change *c = &row->change;

	json_open(j, NULL, '{');
	json_path(j, row->path);
	json_string(j, "change", letter);
	json_string(j, "type", change_type_to_string(c->type));
	json_string(j, "lower_type", c->lower_type ? change_type_to_string(c->lower_type) : NULL);
	json_number(j, "size", row->size);
	json_number(j, "used", row->used);
	json_number(j, "links", row->links);
	json_attributes(j, c);
	json_boolean(j, "same_content", same_content(c));
	json_boolean(j, "opaque", c->opaque);
	json_boolean(j, "starts_empty", row->starts_empty);
	json_boolean(j, "made_by_rofs", row->by_rofs);
	json_string(j, "overlay", row->overlay->path);
	json_string(j, "pool", pool_name(row->overlay));
	json_close(j, '}');
}

static int print_json(const struct diff_rows *rows)
{
	_cleanup_json_ struct json j = { 0 };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < rows->n; i++)
		json_row(&j, &rows->rows[i]);
	json_close(&j, ']');
	return json_print(&j);
}

static int print_paths(const struct diff_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		fwrite(rows->rows[i].path, strlen(rows->rows[i].path) + 1, 1, stdout);
	return 0;
}

int diff_print(const struct diff_rows *rows, const struct diff_options *options, size_t hidden,
	       const struct output *o)
{
	int err;

	switch (options->form) {
	case DIFF_JSON:
		return print_json(rows);
	case DIFF_NULL:
		return print_paths(rows);
	case DIFF_TABLE:
		err = print_table(rows, options, o);
		if (err >= 0 && o->terminal && !options->style.raw)
			print_total(rows, hidden);
		return err;
	case DIFF_TEXT:
		break;
	}
	return 0;
}
