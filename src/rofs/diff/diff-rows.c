/* SPDX-License-Identifier: MIT */
/* rofs diff: the rows, made from what the walk finds. */
#include <string.h>

#include "basic/path.h"
#include "layer/made-by-rofs.h"
#include "rofs/diff/diff.h"

void diff_rows_done(struct diff_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		path_node_unref(rows->rows[i].path);
	free(rows->rows);
	*rows = (struct diff_rows){ 0 };
}

/* Is it a mount point that systemd had to make, or a directory above one? */
static bool is_mount_point(const struct plan *p, const struct upper_entry *e)
{
	if (e->change.kind != CHANGE_ADDED || !S_ISDIR(e->change.type))
		return false;
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(p->persists[i].path, e->path))
			return true;
	return false;
}

int diff_row_make(const struct plan *p, const struct plan_overlay *o, const struct upper_entry *e,
		  struct diff_row *ret)
{
	bool there = e->change.kind != CHANGE_DELETED, dir = S_ISDIR(e->change.type);
	int empty = there && dir ? plan_overlay_starts_empty(o, e->path) : 0;

	if (empty < 0)
		return empty;
	*ret = (struct diff_row){
		.path = e->node,
		.overlay = o,
		.change = e->change,
		.size = there && !dir ? (uint64_t)e->upper->st_size : 0,
		.used = there ? (uint64_t)e->upper->st_blocks * 512 : 0, /* stat(2) */
		.links = there && !dir ? e->upper->st_nlink : 1,
		.device = e->upper->st_dev,
		.inode = e->upper->st_ino,
		.starts_empty = empty > 0,
		.by_rofs = made_by_rofs(e) || is_mount_point(p, e),
	};
	return 0;
}

int diff_rows_keep(struct diff_rows *rows, const struct diff_row *row)
{
	if (array_reserve(rows->rows, rows->n) < 0)
		return -ENOMEM;
	rows->rows[rows->n] = *row;
	rows->rows[rows->n].place = rows->n;
	path_node_ref(rows->rows[rows->n++].path);
	return 0;
}

static int compare_inodes(const void *a, const void *b)
{
	const struct diff_row *x = *(const struct diff_row *const *)a,
			      *y = *(const struct diff_row *const *)b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Marks all names of a file but the first, so that the total counts it once. */
static int mark_links(struct diff_rows *rows)
{
	_cleanup_free_ struct diff_row **linked = calloc(rows->n + 1, sizeof(*linked));
	size_t n = 0;

	if (!linked)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].links > 1)
			linked[n++] = &rows->rows[i];
	qsort((void *)linked, n, sizeof(*linked), compare_inodes);
	for (size_t i = 1; i < n; i++)
		linked[i]->counted = linked[i]->device == linked[i - 1]->device &&
				     linked[i]->inode == linked[i - 1]->inode;
	return 0;
}

static int compare_sizes(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;

	if (x->used != y->used)
		return x->used > y->used ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

int diff_rows_finish(struct diff_rows *rows, bool by_size)
{
	int err = mark_links(rows);

	if (err >= 0 && rows->n > 0 && by_size)
		qsort(rows->rows, rows->n, sizeof(*rows->rows), compare_sizes);
	return err;
}
