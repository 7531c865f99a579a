/* SPDX-License-Identifier: MIT */
#include "plan/partition-directories.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"

/* A directory on a partition that a section wants. */
struct place {
	char *path; /* /NAME-OF-PARTITION/DIRECTORY; owned */
	struct claim *claim;
	const struct place *above; /* the nearest place above that was not refused */
};

struct places {
	struct place *list;
	size_t n;
};

static void places_done(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].path);
	free(p->list);
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = path_compare(x->path, y->path);

	if (order)
		return order;
	return x->claim->section->order < y->claim->section->order ? -1 : 1;
}

static int add_place(struct places *p, struct claim *c, const char *partition, const char *first,
		     const char *second)
{
	struct place *place = &p->list[p->n];

	if (text_format(&place->path, "/%s%s%s", partition, first, second) < 0)
		return -ENOMEM;
	path_clean(place->path);
	place->claim = c;
	p->n++;
	return 0;
}

static int add_claim(struct places *p, struct claim *c)
{
	const struct conf_overlay *o = (const struct conf_overlay *)c->section;
	const struct conf_persist *persist = (const struct conf_persist *)c->section;

	if (c->refused)
		return 0;
	if (c->section->kind == CONF_PERSIST)
		return add_place(p, c, persist->partition, persist->directory, "");
	if (!o->partition)
		return 0;
	if (o->directory)
		return add_place(p, c, o->partition, o->directory, "");
	return add_place(p, c, o->partition, "/overlay", c->fact->resolved);
}

static bool is_overlay(const struct place *p)
{
	return p->claim->section->kind == CONF_OVERLAY;
}

/* An overlay's layers are its own; a persist shares with what is strictly below it. */
static bool is_taken(const struct place *wanted, const struct place *open)
{
	return open && (is_overlay(open) || strcmp(wanted->path, open->path) == 0);
}

static void refuse(struct place *p, const struct place *first, struct diag *d)
{
	const struct conf_section *s = p->claim->section, *t = first->claim->section;

	diag_error(
		d, conf_key_pos(s, "Directory"),
		"[%s %s]: [%s %s] uses the same directory on the partition; expected another Directory=",
		conf_kind_to_string(s->kind), s->name, conf_kind_to_string(t->kind), t->name);
	diag_note(d, conf_key_pos(t, "Directory"), "used here");
	p->claim->refused = true;
}

static void check(struct places *p, struct diag *d)
{
	const struct place *open = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct place *place = &p->list[i];

		while (open && !path_is_at_or_below(place->path, open->path))
			open = open->above;
		if (is_taken(place, open)) {
			refuse(place, open, d);
			continue;
		}
		place->above = open;
		open = place;
	}
}

int partition_directories_check(struct claim *claims, size_t n, struct diag *d)
{
	_cleanup_(places_done) struct places p = { .list = calloc(n + 1, sizeof(*p.list)) };

	if (!p.list)
		return -ENOMEM;

	for (size_t i = 0; i < n; i++)
		if (add_claim(&p, &claims[i]) < 0)
			return -ENOMEM;
	qsort(p.list, p.n, sizeof(*p.list), compare);
	check(&p, d);
	return 0;
}
