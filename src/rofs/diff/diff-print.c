/* SPDX-License-Identifier: MIT */
/* rofs diff: the rows as a table. */
#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/diff/diff.h"
#include "rofs/ui/list.h"
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
	_COLUMN_MAX,
};

static const struct table_column columns[] = {
	[COLUMN_CHANGE] = { "CHANGE",
			    "A added, M modified, D deleted, T type changed, m attributes, "
			    "= unchanged copy or on flash by now, ? unreadable",
			    0 },
	[COLUMN_TYPE] = { "TYPE", "file, dir, link, fifo, socket, char, block; - unknown", 0 },
	[COLUMN_USED] = { "USED", "space used in RAM, or on the overlay's partition", TABLE_RIGHT },
	[COLUMN_SIZE] = { "SIZE", "size of the content", TABLE_RIGHT },
	[COLUMN_PATH] = { "PATH", "path of the file", 0 },
	[COLUMN_NOTE] = { "NOTE", "details", 0 },
	[COLUMN_OVERLAY] = { "OVERLAY", "path of the overlay", TABLE_HIDDEN },
	[COLUMN_POOL] = { "POOL",
			  "where the change is kept: ram, the overlay's own pool, or a partition",
			  TABLE_HIDDEN },
};

void diff_help_columns(FILE *f)
{
	table_help(columns, ELEMENTSOF(columns), f);
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

bool diff_same_content(const struct change *c)
{
	return (c->kind == CHANGE_ATTRIBUTES || c->kind == CHANGE_COPIED) && S_ISREG(c->type);
}

/* "attributes: Argument list too long" */
static void add_unread(struct strbuf *b, const struct change *c)
{
	const char *what = change_unread_to_string(c->unread);

	add_word(b, "; ", what ? what : "");
	strbuf_add(b, what ? ": " : "");
	strbuf_add(b, diff_error(c->error));
}

const char *diff_error(int error)
{
	return error == ESTALE || error == ENOENT ? "changed while it was read" : strerror(error);
}

/* "on flash since 14:03", with the day if that is another one */
static void add_on_flash(struct strbuf *b, time_t when)
{
	time_t now = time(NULL);
	struct tm then, today;
	char text[64];

	if (!localtime_r(&when, &then) || !localtime_r(&now, &today))
		return;
	strftime(text, sizeof(text),
		 then.tm_yday == today.tm_yday && then.tm_year == today.tm_year ? "%H:%M" :
										  "%F %H:%M",
		 &then);
	add_word(b, "; ", "on flash since ");
	strbuf_addf(b, "%s; its RAM copy goes at the next boot", text);
}

int diff_note(const struct diff_row *row, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct change *c = &row->change;

	strbuf_add(&b, "");
	if (c->kind == CHANGE_UNKNOWN)
		add_unread(&b, c);
	if (row->by_rofs)
		add_word(&b, "; ", "made by rofs");
	if (row->starts_empty)
		add_word(&b, "; ", "starts empty");
	else if (c->opaque && c->kind != CHANGE_COPIED)
		add_word(&b, "; ", "opaque: hides the lower directory");
	else if (c->opaque && !row->on_flash)
		add_word(&b, "; ", "opaque: hides nothing");
	if (c->kind == CHANGE_REPLACED) {
		add_word(&b, "; ", "was ");
		strbuf_add(&b, change_type_to_string(c->lower_type));
	}
	if (c->not_compared)
		add_word(&b, "; ", "content not compared");
	if (row->on_flash)
		add_on_flash(&b, row->on_flash);
	else if (diff_same_content(c))
		add_word(&b, "; ", "same content");
	add_attributes(&b, c);
	return strbuf_take(&b, ret);
}

static enum colour colour_of(enum change_kind kind)
{
	switch (kind) {
	case CHANGE_ADDED:
		return COLOUR_GOOD;
	case CHANGE_DELETED:
	case CHANGE_UNKNOWN:
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

/* The cells of one line after the other. */
struct line {
	bool raw, bytes;
	struct list_cell cells[_COLUMN_MAX];
	struct strbuf text[_COLUMN_MAX]; /* of all but the path */
	struct path_text path;
};

static void line_done(struct line *l)
{
	for (size_t i = 0; i < _COLUMN_MAX; i++)
		strbuf_done(&l->text[i]);
	path_text_done(&l->path);
}

static void set_cell(struct line *l, size_t column, const char *text)
{
	struct strbuf *b = &l->text[column];

	b->len = 0;
	strbuf_add(b, "");
	l->cells[column].width = l->raw ? list_add_raw(b, text) : list_add(b, text);
	l->cells[column].text = b->text;
}

static void set_size(struct line *l, size_t column, uint64_t n, bool has_content)
{
	char text[TEXT_BYTES_MAX];

	/* No empty cells, so that lines can be split at blanks. */
	if (n == 0 && !has_content)
		snprintf(text, sizeof(text), "-");
	else if (l->bytes)
		snprintf(text, sizeof(text), "%" PRIu64, n);
	else
		table_bytes(text, n);
	set_cell(l, column, text);
}

static int set_path(struct line *l, const struct diff_row *row)
{
	struct list_cell *cell = &l->cells[COLUMN_PATH];

	cell->text = path_text_set(&l->path, row->path, &cell->width);
	return cell->text ? 0 : -ENOMEM;
}

static const char *type_of(const struct change *c)
{
	const char *type = change_type_to_string(c->type);

	return *type ? type : "-";
}

static int make_line(struct line *l, const struct diff_row *row)
{
	const char letter[] = { change_kind_to_letter(row->change.kind), '\0' };
	bool content = row->change.kind != CHANGE_DELETED &&
		       (S_ISREG(row->change.type) || S_ISLNK(row->change.type));
	_cleanup_free_ char *note = NULL;

	if (diff_note(row, &note) < 0 || set_path(l, row) < 0)
		return -ENOMEM;
	set_cell(l, COLUMN_CHANGE, letter);
	set_cell(l, COLUMN_TYPE, type_of(&row->change));
	set_size(l, COLUMN_USED, row->used, content);
	set_size(l, COLUMN_SIZE, row->size, content);
	set_cell(l, COLUMN_NOTE, note);
	set_cell(l, COLUMN_OVERLAY, row->overlay->path);
	set_cell(l, COLUMN_POOL, pool_name(row->overlay));
	l->cells[COLUMN_CHANGE].colour = colour_of(row->change.kind);
	for (size_t i = 0; i < _COLUMN_MAX; i++)
		if (l->text[i].failed)
			return -ENOMEM;
	return 0;
}

static int measure(struct list *list, struct line *line, const struct diff_rows *rows)
{
	int err = 0;

	for (size_t i = 0; i < rows->n && err >= 0; i++) {
		err = make_line(line, &rows->rows[i]);
		if (err >= 0)
			list_measure(list, line->cells);
	}
	return err;
}

static int print_lines(const struct list *list, struct line *line, const struct diff_rows *rows)
{
	int err = 0;

	for (size_t i = 0; i < rows->n && err >= 0; i++) {
		err = make_line(line, &rows->rows[i]);
		if (err >= 0)
			list_print(list, line->cells);
	}
	return err;
}

static int print_table(const struct diff_rows *rows, const struct diff_options *options,
		       const struct output *o)
{
	bool raw = options->style.raw;
	_cleanup_(line_done) struct line line = { .raw = raw,
						  .bytes = options->bytes,
						  .path.add = raw ? list_add_raw : list_add };
	_cleanup_list_ struct list *list = NULL;
	int err = list_new(columns, ELEMENTSOF(columns), &options->style, o, &list);

	if (err >= 0 && !raw)
		err = measure(list, &line, rows);
	if (err < 0 || rows->n == 0)
		return err;
	list_print_headings(list);
	return print_lines(list, &line, rows);
}

struct total {
	size_t changes, copies, on_flash, unread;
	uint64_t ram, partitions;
};

static struct total sum_up(const struct diff_rows *rows)
{
	struct total t = { 0 };

	for (size_t i = 0; i < rows->n; i++) {
		const struct diff_row *row = &rows->rows[i];
		uint64_t used = row->counted ? 0 : row->used;

		t.copies += row->change.kind == CHANGE_COPIED && !row->on_flash;
		t.on_flash += row->on_flash != 0;
		t.unread += row->change.kind == CHANGE_UNKNOWN;
		t.changes += row->change.kind != CHANGE_COPIED &&
			     row->change.kind != CHANGE_UNKNOWN;
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
	if (t.on_flash > 0)
		printf(" and %zu on flash by now", t.on_flash);
	if (t.unread > 0)
		printf(" and %zu path%s that could not be read", t.unread,
		       t.unread == 1 ? "" : "s");
	if (rows->n > 0)
		printf(", %s in RAM", text_bytes(ram, t.ram));
	if (t.partitions > 0)
		printf(", %s on partitions", text_bytes(partitions, t.partitions));
	if (hidden > 0)
		printf(" (%zu made by rofs not shown; use --all)", hidden);
	putchar('\n');
}

int diff_table_print(const struct diff_rows *rows, const struct diff_options *options,
		     size_t hidden, const struct output *o)
{
	int err = print_table(rows, options, o);

	if (err >= 0 && o->terminal && !options->style.raw)
		print_total(rows, hidden);
	return err;
}
