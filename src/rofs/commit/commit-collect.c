/* SPDX-License-Identifier: MIT */
/* rofs commit: the changes, from the upper layers. */
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "layer/made-by-rofs.h"
#include "layer/opaque.h"
#include "layer/upper-found.h"
#include "rofs/changes/exempt.h"
#include "rofs/changes/flags.h"
#include "rofs/commit/commit.h"
#include "system/log.h"

static bool is_updated(const struct upper_entry *e)
{
	return strcmp(e->name, ".updated") == 0;
}

static enum commit_reason reason_of(const struct commit *c, const struct plan_overlay *o,
				    const struct upper_entry *e)
{
	bool named = asked_paths_names(&c->changes.paths, e->path);

	switch (exempt_of(&c->changes.loaded.plan, o, e)) {
	case EXEMPT_PERSIST:
		return COMMIT_PERSIST;
	case EXEMPT_STARTS_EMPTY:
		return COMMIT_STARTS_EMPTY;
	case EXEMPT_RESERVED:
		return COMMIT_RESERVED;
	case EXEMPT_BY_ROFS:
		/* .updated is refreshed beside other changes, so that the next boots run no update services. */
		if (e->change.kind == CHANGE_DELETED || !(named || (c->all && is_updated(e))))
			return COMMIT_BY_ROFS;
		break;
	case EXEMPT_NOT:
		break;
	}
	if (e->change.kind == CHANGE_DELETED)
		return COMMIT_WANTED;
	if (S_ISSOCK(e->change.type))
		return COMMIT_SOCKET;
	if (named)
		return COMMIT_WANTED;
	return commit_is_seed(e->path) ? COMMIT_SEED : COMMIT_WANTED;
}

static bool time_differs(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

/* One that hides nothing is like any other: after a commit, for example. */
static struct change change_of(const struct upper_entry *e)
{
	struct change c = e->change;

	if (c.kind != CHANGE_MODIFIED || !c.opaque || opaque_hides(e) != 0)
		return c;
	c.opaque = false;
	c.kind = c.attributes ? CHANGE_ATTRIBUTES : CHANGE_NONE;
	return c;
}

static int keep(struct commit *c, const struct plan_overlay *o, const struct upper_entry *e,
		bool asked)
{
	struct commit_item *item;
	bool there = e->change.kind != CHANGE_DELETED;

	if (array_reserve(c->items, c->n) < 0)
		return -ENOMEM;
	item = &c->items[c->n++];
	*item = (struct commit_item){
		.path = path_node_ref(e->node),
		.overlay = o,
		.parent = SIZE_MAX,
		.change = change_of(e),
		.asked = asked,
		.mtime = e->upper->st_mtim,
		.device = e->upper->st_dev,
		.inode = e->upper->st_ino,
		.links = S_ISDIR(e->upper->st_mode) ? 1 : e->upper->st_nlink,
		.lower_device = e->lower ? e->lower->st_dev : 0,
		.lower_inode = e->lower ? e->lower->st_ino : 0,
		.lower_links = e->lower && !S_ISDIR(e->lower->st_mode) ? e->lower->st_nlink : 0,
		.reason = reason_of(c, o, e),
	};
	if (there && !S_ISDIR(e->change.type)) {
		item->size = (uint64_t)e->upper->st_size;
		item->used = (uint64_t)e->upper->st_blocks * 512;
	}
	if (item->change.kind == CHANGE_NONE || item->change.kind == CHANGE_COPIED)
		item->flags_differ = asked && changes_flags_differ(&c->changes, o, e);
	if (e->lower && commit_is_dir(item))
		item->later = time_differs(&e->upper->st_mtim, &e->lower->st_mtim);
	if (made_by_rofs(e) && is_updated(e))
		item->later = true;
	return 0;
}

/* Returns -EIO when it is reported. */
static int report_unread(struct commit *c, const struct upper_entry *e)
{
	const char *what = change_unread_to_string(e->change.unread);
	_cleanup_free_ char *why = NULL;

	if (is_race(-e->change.error)) {
		commit_tell(c, COMMIT_RESTLESS, e->node);
		return 0;
	}
	if (text_format(&why, "%s%scannot be read: %s", what ? what : "", what ? " " : "",
			strerror(e->change.error)) < 0)
		return -ENOMEM;
	changes_problem(&c->changes, e->path, why);
	return -EIO;
}

static int entry(void *data, const struct plan_overlay *o, const struct upper_entry *e, bool asked)
{
	struct commit *c = data;
	const char *path;

	if (o->on_partition)
		return 0;
	if (e->change.kind == CHANGE_UNKNOWN)
		return report_unread(c, e);
	/* What is new in a directory that was read before comes last. */
	if (c->n_sorted == c->n) {
		path = c->last.text.text;
		c->n_sorted += !path || path_compare(path, e->path) < 0;
		if (!path_text_set(&c->last, e->node, NULL))
			return -ENOMEM;
	}
	return keep(c, o, e, asked);
}

/* For sorting: the text of each path, however much memory that takes. */
struct sorted {
	char *text;
	size_t order; /* in which they came */
	struct commit_item item;
};

static int compare(const void *left, const void *right)
{
	const struct sorted *a = left, *b = right;
	int r = path_compare(a->text, b->text);

	return r != 0 ? r : (a->order > b->order) - (a->order < b->order);
}

/* Who replaces a file while the layers are read may have had two of its kinds seen: the last one counts. */
static void take_sorted(struct commit *c, struct sorted *all)
{
	const size_t n = c->n;

	c->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && strcmp(all[i].text, all[i + 1].text) == 0)
			path_node_unref(all[i].item.path);
		else
			c->items[c->n++] = all[i].item;
	}
}

static int sort(struct commit *c)
{
	_cleanup_free_ struct sorted *all = calloc(c->n + 1, sizeof(*all));
	_cleanup_path_text_ struct path_text text = { 0 };
	const size_t n = c->n;
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && err >= 0; i++) {
		const char *path = path_text_set(&text, c->items[i].path, NULL);

		all[i].item = c->items[i];
		all[i].order = i;
		all[i].text = path ? strdup(path) : NULL;
		err = all[i].text ? 0 : -ENOMEM;
	}
	if (err >= 0) {
		qsort(all, n, sizeof(*all), compare);
		take_sorted(c, all);
	}
	for (size_t i = 0; all && i < n; i++)
		free(all[i].text);
	return err;
}

/* Directories from that of an overlay to where the items are, by their numbers. */
struct way {
	size_t *items;
	size_t n;
};

/*
 * Returns 1, 0 when there is no item of the directory that this one is in, since it was replaced while the layers were
 * read, or -ENOMEM.
 */
static int set_parent(struct commit *c, struct way *way, size_t i)
{
	struct commit_item *item = &c->items[i];
	const struct path_node *parent = item->path->parent;
	size_t n = way->n;

	item->parent = SIZE_MAX;
	if (parent) {
		/* The overlay in which this one is mounted may go on after it. */
		while (n > 0 && c->items[way->items[n - 1]].path != parent)
			n--;
		if (n == 0)
			return 0;
		item->parent = way->items[n - 1];
		way->n = n;
	}
	if (!commit_is_dir(item))
		return 1;
	if (array_reserve(way->items, way->n) < 0)
		return -ENOMEM;
	way->items[way->n++] = i;
	return 1;
}

/* Each directory of the upper is an item, right before those in it. What is in none is told, and dropped. */
static int set_parents(struct commit *c)
{
	struct way way = { 0 };
	size_t kept = 0;
	int in = 1;

	for (size_t i = 0; i < c->n; i++) {
		c->items[kept] = c->items[i];
		if (in >= 0)
			in = set_parent(c, &way, kept);
		if (in != 0) {
			kept++;
			continue;
		}
		commit_tell(c, COMMIT_RESTLESS, c->items[kept].path);
		path_node_unref(c->items[kept].path);
	}
	c->n = kept;
	free(way.items);
	return in < 0 ? in : 0;
}

int commit_collect(struct commit *c)
{
	const struct changes_visitor v = {
		.entry = entry, .data = c, .unchanged = true, .exact = true
	};
	int err = changes_walk(&c->changes, &v);

	if (err >= 0 && c->n_sorted < c->n)
		err = sort(c);
	return err < 0 ? err : set_parents(c);
}
