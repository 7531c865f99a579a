/* SPDX-License-Identifier: MIT */
#include "plan/partition-directories.h"

#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/text.h"

/* A directory on a partition that a section wants. */
struct place {
	char *path; /* /NAME-OF-PARTITION/DIRECTORY; owned */
	char *key;  /* the same for all ways to write it; owned */
	struct claim *claim;
};

struct places {
	struct place *list;
	size_t n;
};

/* Two of the sections that use a partition, the first two; NULL: there are not as many. */
struct users {
	const struct conf_section *first, *second;
};

static void places_done(struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->list[i].path);
		free(p->list[i].key);
	}
	free(p->list);
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = path_compare(x->key, y->key);

	if (order)
		return order;
	return x->claim->section->order < y->claim->section->order ? -1 : 1;
}

static const char *kind_of(const struct conf_section *s)
{
	return conf_kind_to_string(s->kind);
}

static const char *partition_of(const struct conf_section *s)
{
	if (s->kind == CONF_PERSIST)
		return ((const struct conf_persist *)s)->partition;
	return ((const struct conf_overlay *)s)->partition;
}

/* NULL: the default. */
static const char *directory_of(const struct conf_section *s)
{
	if (s->kind == CONF_PERSIST)
		return ((const struct conf_persist *)s)->directory;
	return ((const struct conf_overlay *)s)->directory;
}

static void add_user(const struct conf *conf, struct users *users, const struct conf_section *s)
{
	const struct conf_section *partition =
		partition_of(s) ? conf_find(conf, CONF_PARTITION, partition_of(s)) : NULL;
	struct users *u;

	if (!partition)
		return;
	u = &users[partition->index];
	if (!u->first || s->order < u->first->order) {
		u->second = u->first;
		u->first = s;
	} else if (!u->second || s->order < u->second->order) {
		u->second = s;
	}
}

/*
 * Also of sections that are left out for a mistake of theirs: else one would silently give another
 * section the whole partition.
 */
static void find_users(const struct conf *conf, struct users *users)
{
	for (size_t i = 0; i < conf->n_overlays; i++)
		add_user(conf, users, &conf->overlays[i]->section);
	for (size_t i = 0; i < conf->n_persists; i++)
		add_user(conf, users, &conf->persists[i]->section);
}

/* Another section that uses the partition of this one; NULL: there is none. */
static const struct conf_section *other_user(const struct conf *conf, const struct users *users,
					     const struct conf_section *s)
{
	const struct conf_section *partition = conf_find(conf, CONF_PARTITION, partition_of(s));
	const struct users *u = partition ? &users[partition->index] : NULL;

	return !u ? NULL : u->first == s ? u->second : u->first;
}

/* The whole partition is the default of a persist that has it for itself. */
static bool needs_directory(const struct conf *conf, const struct users *users, struct claim *c,
			    struct diag *d)
{
	const struct conf_section *s = c->section, *other;
	size_t first;

	if (c->refused || s->kind != CONF_PERSIST || directory_of(s))
		return false;
	other = other_user(conf, users, s);
	if (!other)
		return false;
	first = d->n_entries;
	diag_error(d, conf_key_pos(s, "Directory"),
		   "[Persist %s]: Directory= is required, as [%s %s] also uses [Partition %s]",
		   s->name, kind_of(other), other->name, partition_of(s));
	diag_note(d, conf_key_pos(other, "Partition"), "used here");
	claim_refuse(c, REFUSAL_OWN, first, d);
	return true;
}

/* Those are no layers because their names ignore case. Of letters beyond ASCII it is not known how. */
static bool ignores_case(const struct conf *conf, const char *partition)
{
	const struct conf_section *s = conf_find(conf, CONF_PARTITION, partition);

	return s && file_system_by_name(conf->partitions[s->index]->type)->layer == LAYER_NEVER;
}

static int add_place(const struct conf *conf, struct places *p, struct claim *c, const char *first,
		     const char *second)
{
	const char *partition = partition_of(c->section);
	struct place *place = &p->list[p->n++];

	place->claim = c;
	if (text_format(&place->path, "/%s%s%s", partition, first, second) < 0)
		return -ENOMEM;
	path_clean(place->path);
	place->key = strdup(place->path);
	if (!place->key)
		return -ENOMEM;
	if (ignores_case(conf, partition))
		for (char *s = place->key + 1 + strlen(partition); *s; s++)
			if (*s >= 'A' && *s <= 'Z')
				*s += 'a' - 'A';
	return 0;
}

static int add_claim(const struct conf *conf, struct places *p, struct claim *c)
{
	const struct conf_section *s = c->section;

	if (c->refused || !partition_of(s))
		return 0;
	if (directory_of(s))
		return add_place(conf, p, c, directory_of(s), "");
	if (s->kind == CONF_PERSIST)
		return add_place(conf, p, c, "/", "");
	return add_place(conf, p, c, "/overlay", c->fact->resolved);
}

/* The directory without the name of the partition. */
static const char *on_partition(const struct place *p)
{
	const char *directory = strchr(p->path + 1, '/');

	return directory ? directory : "/";
}

static void refuse_reserved(struct place *p, struct diag *d)
{
	const struct conf_section *s = p->claim->section;
	size_t first = d->n_entries;

	diag_error(
		d, conf_key_pos(s, "Directory"),
		"[%s %s]: its directory on the partition would be %s, but rofs uses the name " CONF_RESERVED_NAME
		" itself; expected another Directory=",
		kind_of(s), s->name, on_partition(p));
	claim_refuse(p->claim, REFUSAL_OWN, first, d);
}

/*
 * Whoever owns a directory can rename what is below it, and put something else in its place for the
 * next boot.
 */
static void refuse(struct place *p, const struct place *other, struct diag *d)
{
	const struct conf_section *s = p->claim->section, *t = other->claim->section;
	struct pos pos = conf_key_pos(s, "Directory");
	size_t first = d->n_entries;

	if (strcmp(p->key, other->key) == 0)
		diag_error(
			d, pos,
			"[%s %s]: [%s %s] uses the same directory on the partition; expected another Directory=",
			kind_of(s), s->name, kind_of(t), t->name);
	else
		diag_error(
			d, pos,
			"[%s %s]: its directory on the partition, %s, is below %s of [%s %s]; expected directories "
			"that do not contain each other",
			kind_of(s), s->name, on_partition(p), on_partition(other), kind_of(t),
			t->name);
	diag_note(d, conf_key_pos(t, "Directory"), "used here");
	claim_refuse(p->claim, REFUSAL_DIRECTORY, first, d);
}

/* Sorted, so that what is below a directory follows it. */
static void check(struct places *p, struct diag *d)
{
	const struct place *last = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct place *place = &p->list[i];

		if (conf_has_reserved_name(place->key))
			refuse_reserved(place, d);
		else if (last && path_is_at_or_below(place->key, last->key))
			refuse(place, last, d);
		else
			last = place;
	}
}

int partition_directories_check(const struct conf *conf, struct claim *claims, size_t n,
				struct diag *d)
{
	_cleanup_(places_done) struct places p = { .list = calloc(n + 1, sizeof(*p.list)) };
	_cleanup_free_ struct users *users = calloc(conf->n_partitions + 1, sizeof(*users));

	if (!p.list || !users)
		return -ENOMEM;

	find_users(conf, users);
	for (size_t i = 0; i < n; i++)
		if (!needs_directory(conf, users, &claims[i], d) &&
		    add_claim(conf, &p, &claims[i]) < 0)
			return -ENOMEM;
	qsort(p.list, p.n, sizeof(*p.list), compare);
	check(&p, d);
	return 0;
}
