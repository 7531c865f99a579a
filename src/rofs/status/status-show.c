/* SPDX-License-Identifier: MIT */
#include "rofs/status/status-show.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/ui/output.h"
#include "verdict/verdict-text.h"

#define LIFE_BYTES_MAX	16u
#define LIFE_BAD_TENTHS 9u

enum {
	COLUMN_PATH,
	COLUMN_KIND,
	COLUMN_STATE,
	COLUMN_SOURCE,
	COLUMN_SIZE,
	COLUMN_USED,
	COLUMN_USE,
	COLUMN_INODES,
	COLUMN_INODES_USED,
	COLUMN_INODES_USE,
	COLUMN_WRITTEN,
	COLUMN_LIFE,
	COLUMN_UNIT,
	_COLUMN_MAX,
};

static const struct table_column columns[] = {
	[COLUMN_PATH] = { "PATH", "mount point; device: its name", TABLE_TREE },
	[COLUMN_KIND] = { "KIND", "root, device, pool, overlay, partition or persist", 0 },
	[COLUMN_STATE] = { "STATE",
			   "active, else the state of its unit, or missing; root and device: read-only or writable",
			   0 },
	[COLUMN_SOURCE] = { "SOURCE", "device, or directory on the partition", 0 },
	[COLUMN_SIZE] = { "SIZE", "size of the file system", TABLE_RIGHT },
	[COLUMN_USED] = { "USED", "used space", TABLE_RIGHT },
	[COLUMN_USE] = { "USE%", "used space in percent", TABLE_RIGHT },
	[COLUMN_INODES] = { "INODES", "number of inodes", TABLE_RIGHT | TABLE_HIDDEN },
	[COLUMN_INODES_USED] = { "IUSED", "used inodes", TABLE_RIGHT | TABLE_HIDDEN },
	[COLUMN_INODES_USE] = { "IUSE%", "used inodes in percent", TABLE_RIGHT },
	[COLUMN_WRITTEN] = { "WRITTEN", "512-byte sectors written to the device since boot",
			     TABLE_RIGHT },
	[COLUMN_LIFE] = { "LIFE",
			  "eMMC: used part of the lifetime of memory types A and B, rounded up",
			  TABLE_RIGHT | TABLE_HIDDEN },
	[COLUMN_UNIT] = { "UNIT", "unit that mounts it", TABLE_HIDDEN },
};
static_assert(ELEMENTSOF(columns) == _COLUMN_MAX, "a column without a row");

const struct table_column *status_columns(size_t *ret_n)
{
	*ret_n = ELEMENTSOF(columns);
	return columns;
}

static enum colour level_colour(unsigned reached)
{
	switch (usage_level(reached)) {
	case USAGE_CRITICAL_PERCENT:
		return COLOUR_BAD;
	case USAGE_WARNING_PERCENT:
		return COLOUR_WARNING;
	default:
		return COLOUR_NONE;
	}
}

static void cell_percent(struct table *t, struct libscols_line *line, size_t column,
			 unsigned reached)
{
	table_cellf(t, line, column, "%u%%", reached);
	if (usage_level(reached))
		table_colour(t, line, column, level_colour(reached));
}

static void cells_usage(struct table *t, struct libscols_line *line, const struct usage *u)
{
	if (!u->known)
		return;
	table_cell_bytes(t, line, COLUMN_SIZE, u->size);
	table_cell_bytes(t, line, COLUMN_USED, u->used);
	cell_percent(t, line, COLUMN_USE, usage_percent(u));
	if (u->inodes == 0)
		return;
	table_cellf(t, line, COLUMN_INODES, "%" PRIu64, u->inodes);
	table_cellf(t, line, COLUMN_INODES_USED, "%" PRIu64, u->inodes_used);
	cell_percent(t, line, COLUMN_INODES_USE, usage_inodes_percent(u));
}

/* "10%": in steps of a tenth, rounded up. Returns: @buffer. */
static const char *life_text(char buffer[LIFE_BYTES_MAX], unsigned tenths)
{
	if (tenths == 0)
		return "-";
	if (tenths > 10)
		return ">100%";
	snprintf(buffer, LIFE_BYTES_MAX, "%u%%", tenths * 10);
	return buffer;
}

static void cell_life(struct table *t, struct libscols_line *line, const struct device *d)
{
	char a[LIFE_BYTES_MAX], b[LIFE_BYTES_MAX];

	if (d->life_a == 0 && d->life_b == 0)
		return;
	table_cellf(t, line, COLUMN_LIFE, "%s/%s", life_text(a, d->life_a),
		    life_text(b, d->life_b));
	if (d->life_a >= LIFE_BAD_TENTHS || d->life_b >= LIFE_BAD_TENTHS)
		table_colour(t, line, COLUMN_LIFE, COLOUR_BAD);
}

static void cells_device(struct table *t, struct libscols_line *line, const struct device *d)
{
	if (d->written_known)
		table_cellf(t, line, COLUMN_WRITTEN, "%" PRIu64, d->sectors_written);
	cell_life(t, line, d);
}

static void cell_state(struct table *t, struct libscols_line *line, const char *state, bool good)
{
	table_cell(t, line, COLUMN_STATE, state);
	if (!good)
		table_colour(t, line, COLUMN_STATE, COLOUR_BAD);
}

static struct libscols_line *add_row(struct table *t, struct libscols_line *parent,
				     const char *path, const char *kind, const char *state)
{
	struct libscols_line *line = table_line(t, parent);

	table_cell(t, line, COLUMN_PATH, path);
	table_cell(t, line, COLUMN_KIND, kind);
	if (state)
		cell_state(t, line, state, strcmp(state, "active") == 0);
	return line;
}

static void add_root_device(struct table *t, const struct status *s, const struct root_device *d,
			    struct libscols_line *root)
{
	struct libscols_line *line = add_row(t, root, d->name, "device", NULL);
	/* A window makes it writable. */
	bool good = !d->writable || d->fate == ROOT_DEVICE_LEFT || s->observed.transactions.running;

	cell_state(t, line, d->writable ? "writable" : "read-only", good);
	if (d->needed_by) {
		_cleanup_free_ char *text = NULL;

		if (text_format(&text, "needed by %s", d->needed_by) >= 0)
			table_cell(t, line, COLUMN_SOURCE, text);
	}
}

static void add_root(struct table *t, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");
	struct libscols_line *line = add_row(t, NULL, "/", "root", NULL);
	bool read_only = m && observed_is_read_only(m);

	cell_state(t, line, read_only ? "read-only" : "writable",
		   read_only || s->loaded.plan.n_remounts == 0 || s->off);
	table_cell(t, line, COLUMN_SOURCE, s->root.name ? s->root.name : (m ? m->source : NULL));
	cells_device(t, line, &s->root);
	for (size_t i = 0; i < s->observed.root_devices.n; i++)
		add_root_device(t, s, &s->observed.root_devices.list[i], line);
}

static void add_overlays(struct table *t, const struct status *s, const struct storage *v,
			 struct libscols_line *parent)
{
	const struct plan *p = &s->loaded.plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		struct libscols_line *line;

		if (storage_of_overlay(&s->observed, &p->overlays[i]) != v)
			continue;
		line = add_row(t, parent, p->overlays[i].path, "overlay",
			       status_overlay_state(s, i));
		table_cell(t, line, COLUMN_UNIT, p->overlays[i].merged_unit);
	}
}

static void add_pool(struct table *t, const struct status *s, const struct storage *v)
{
	struct libscols_line *line = add_row(t, NULL, v->dir, "pool", status_storage_state(s, v));

	table_cell(t, line, COLUMN_SOURCE, "RAM");
	cells_usage(t, line, &v->usage);
	table_cell(t, line, COLUMN_UNIT, v->unit);
	add_overlays(t, s, v, line);
}

static void add_partition(struct table *t, const struct status *s, const struct storage *v)
{
	const struct plan *p = &s->loaded.plan;
	const struct plan_partition *q = &p->partitions[v->index];
	const struct device *d = &s->partitions[v->index];
	struct libscols_line *line, *child;

	line = add_row(t, NULL, v->dir, "partition", status_storage_state(s, v));
	table_cell(t, line, COLUMN_SOURCE, d->name ? d->name : q->conf->device);
	table_cell(t, line, COLUMN_UNIT, v->unit);
	cells_usage(t, line, &v->usage);
	cells_device(t, line, d);
	add_overlays(t, s, v, line);
	for (size_t i = 0; i < p->n_persists; i++) {
		if (p->persists[i].partition != v->index)
			continue;
		child = add_row(t, line, p->persists[i].path, "persist",
				status_persist_state(s, i));
		table_cell(t, child, COLUMN_SOURCE, p->persists[i].directory);
		table_cell(t, child, COLUMN_UNIT, p->persists[i].unit);
	}
}

static int print_table(const struct status *s, const struct table_style *style,
		       const struct output *o)
{
	struct output own = *o;
	_cleanup_table_ struct table *t = NULL;
	int err;

	/* Nothing should be in force then, so nothing that is missing is shown in red. */
	own.colour = own.colour && !s->off;
	err = table_new(columns, ELEMENTSOF(columns), style, &own, &t);
	if (err < 0)
		return err;
	add_root(t, s);
	for (size_t i = 0; i < s->observed.n_storages; i++) {
		const struct storage *v = &s->observed.storages[i];

		if (v->kind == STORAGE_PARTITION)
			add_partition(t, s, v);
		else
			add_pool(t, s, v);
	}
	return table_print(t);
}

static enum colour verdict_colour(const struct status *s)
{
	switch (s->verdict.state) {
	case VERDICT_PROTECTED:
		return COLOUR_GOOD;
	case VERDICT_PARTIAL:
		return COLOUR_BAD;
	case VERDICT_OFF:
		return COLOUR_WARNING;
	}
	return COLOUR_NONE;
}

static int format_line(const struct status *s, char **ret)
{
	if (s->off)
		return text_format(ret, "off: rofs does nothing in this boot: %s", s->off);
	return verdict_line(&s->verdict, &s->loaded.plan, &s->observed, ret);
}

static int print_line(const struct status *s, const struct output *o)
{
	_cleanup_free_ char *line = NULL;
	int err = format_line(s, &line);
	size_t word;

	if (err < 0)
		return err;
	word = strcspn(line, ":");
	printf("%s%.*s%s", output_colour(o, verdict_colour(s)), (int)word, line,
	       output_colour(o, COLOUR_NONE));
	output_text(o, word, 2, line + word);
	return 0;
}

/* "  why: because": a word in its colour, then the sentence. */
static void print_sentence(const struct output *o, size_t indent, enum colour c, const char *word,
			   const char *text)
{
	printf("%*s%s%s:%s ", (int)indent, "", output_colour(o, c), word,
	       output_colour(o, COLOUR_NONE));
	output_text(o, indent + strlen(word) + 2, indent + 2, text);
}

static int print_problem(const struct problem *p, const struct output *o)
{
	enum colour c = p->severity == DIAG_ERROR ? COLOUR_BAD : COLOUR_WARNING;
	_cleanup_free_ char *text = NULL;
	int err = problem_format(p, &text);

	if (err >= 0)
		print_sentence(o, 2, c, diag_level_to_string(p->severity), text);
	return err;
}

static int print_problems(const struct verdict *v, const struct output *o)
{
	const struct problems *l = &v->problems;
	int err = 0;

	for (size_t i = 0; i < l->n && err >= 0; i++) {
		/* The only error is in the line of the verdict. */
		if (i > 0 || l->n_errors != 1 || v->state == VERDICT_OFF)
			err = print_problem(&l->items[i], o);
		if (l->items[i].reason)
			print_sentence(o, 4, COLOUR_DIM, "why", l->items[i].reason);
	}
	return err;
}

static void add_transaction(struct strbuf *b, const struct observed_transaction *t)
{
	char bytes[TEXT_BYTES_MAX], when[sizeof("12:34")] = "?";
	struct tm local;

	if (localtime_r(&t->time, &local))
		strftime(when, sizeof(when), "%H:%M", &local);
	strbuf_addf(b, "%s at %s (%" PRIu64 " path%s, %s)", t->kind, when, t->paths,
		    t->paths == 1 ? "" : "s", text_bytes(bytes, t->bytes));
}

/* What is on flash since when, and what the old files take there. */
static int print_kept(const struct transactions *t, const struct output *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *text = NULL;
	char bytes[TEXT_BYTES_MAX];
	int err;

	if (t->n == 0 && t->kept_bytes == 0)
		return 0;
	if (t->n > 0) {
		add_transaction(&b, &t->list[t->n - 1]);
		if (t->n > 1)
			strbuf_addf(&b, ", %zu earlier kept", t->n - 1);
		strbuf_add(&b, "; ");
	}
	strbuf_addf(&b, "old files take %s, see rofs log", text_bytes(bytes, t->kept_bytes));
	err = strbuf_take(&b, &text);
	if (err >= 0)
		print_sentence(o, 2, COLOUR_DIM, "on flash", text);
	return err;
}

/* In a boot without rofs, mistakes in rofs.conf matter for the next one. */
static void print_mistakes(const struct status *s, const struct output *o)
{
	for (size_t i = 0; i < s->loaded.diag.n_entries; i++) {
		_cleanup_free_ char *line = NULL;

		if (diag_format(&s->loaded.diag.entries[i], &line) < 0)
			continue;
		fputs("  ", stdout);
		output_text(o, 2, 4, line);
	}
}

int status_show(const struct status *s, const struct table_style *style, bool only_table)
{
	_cleanup_output_ struct output o;
	int err;

	output_open(&o, !only_table);
	if (only_table)
		return print_table(s, style, &o);

	err = print_line(s, &o);
	if (err < 0)
		return err;
	if (s->off)
		print_mistakes(s, &o);
	err = print_problems(&s->verdict, &o);
	if (err >= 0)
		err = print_kept(&s->observed.transactions, &o);
	if (err < 0)
		return err;
	putchar('\n');
	err = print_table(s, style, &o);
	if (err < 0)
		return err;
	for (size_t i = 0; i < s->n_unseen; i++)
		printf("%s%sunavailable: %s%s\n", i == 0 ? "\n" : "", output_colour(&o, COLOUR_DIM),
		       s->unseen[i], output_colour(&o, COLOUR_NONE));
	return 0;
}
