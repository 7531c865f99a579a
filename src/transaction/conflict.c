/* SPDX-License-Identifier: MIT */
#include "transaction/conflict.h"

#include <string.h>

#include "basic/path.h"
#include "layer/made-by-rofs.h"
#include "layer/upper.h"

/* The switched paths, as users see them, in the order of path_compare(). */
struct switched {
	char **paths;
	size_t n;
};

struct search {
	struct switched switched;
	const char *top; /* the one that was met last */
	int (*found)(void *data, const char *path);
	void *data;
};

static void switched_done(struct switched *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->paths[i]);
	free(s->paths);
}

static int compare_pointers(const void *a, const void *b)
{
	return path_compare(*(char *const *)a, *(char *const *)b);
}

static int read_switched(const struct record *r, struct switched *ret)
{
	ret->paths = calloc(r->n_entries + 1, sizeof(*ret->paths));
	if (!ret->paths)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_entries; i++) {
		const struct record_entry *e = &r->entries[i];

		if (!record_is_change(e) || e->operation == RECORD_ATTRIBUTES)
			continue;
		if (record_user_path(r, e, &ret->paths[ret->n]) < 0)
			return -ENOMEM;
		ret->n++;
	}
	qsort(ret->paths, ret->n, sizeof(*ret->paths), compare_pointers);
	return 0;
}

/* The first one that is not before @path. */
static size_t lower_bound(const struct switched *s, const char *path)
{
	return path_count_before(s->paths, s->n, sizeof(*s->paths), path);
}

/* All directories of an upper layer are visited, each before what is in it: so one look at each is enough. */
static bool is_at_or_below(struct search *s, const char *path)
{
	size_t at;

	if (s->top && path_is_below(path, s->top))
		return true;
	at = lower_bound(&s->switched, path);
	if (at == s->switched.n || strcmp(s->switched.paths[at], path) != 0)
		return false;
	s->top = s->switched.paths[at];
	return true;
}

static bool hides(const struct change *c)
{
	return c->kind == CHANGE_DELETED || c->kind == CHANGE_REPLACED || c->opaque;
}

static bool hides_switched(const struct switched *s, const char *path)
{
	size_t at = lower_bound(s, path);

	return at < s->n && path_is_at_or_below(s->paths[at], path);
}

/* Nothing that anybody would miss. */
static bool is_same(const struct change *c)
{
	return c->kind == CHANGE_NONE || c->kind == CHANGE_COPIED ||
	       (c->kind == CHANGE_ATTRIBUTES && c->attributes == CHANGE_TIME);
}

static int entry(void *data, const struct upper_entry *e)
{
	struct search *s = data;
	bool at_or_below = is_at_or_below(s, e->path);

	if (is_same(&e->change) || made_by_rofs(e))
		return 0;
	if (!at_or_below && !(hides(&e->change) && hides_switched(&s->switched, e->path)))
		return 0;
	return s->found(s->data, e->path);
}

static int search_overlay(int root_fd, const struct plan *p, const struct plan_overlay *o,
			  struct search *s)
{
	const struct upper_visitor v = { .entry = entry, .data = s, .unchanged = true };
	_cleanup_upper_layer_ struct upper_layer layer = { NULL, -1, -1 };
	int err = upper_layer_open(root_fd, p, o, &layer);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	return upper_walk(&layer, &v);
}

int conflict_find(int root_fd, const struct plan *p, const struct record *r,
		  int (*found)(void *data, const char *path), void *data)
{
	struct search s = { .found = found, .data = data };
	int err = read_switched(r, &s.switched);

	for (size_t i = 0; i < p->n_overlays && err >= 0 && s.switched.n > 0; i++)
		err = search_overlay(root_fd, p, &p->overlays[i], &s);
	switched_done(&s.switched);
	return err;
}
