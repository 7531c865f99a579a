/* SPDX-License-Identifier: MIT */
#include "verdict/observed.h"

#include <string.h>

#include "basic/path.h"

void seen_done(struct seen *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].root);
		free(s->mounts[i].target);
		free(s->mounts[i].type);
		free(s->mounts[i].source);
	}
	for (size_t i = 0; i < s->n_swaps; i++)
		free(s->swaps[i]);
	free(s->mounts);
	free(s->swaps);
	free(s->volumes);
	*s = (struct seen){ 0 };
}

static int add_volume(struct seen *s, const struct volume *v)
{
	int err = array_reserve(s->volumes, s->n_volumes);

	if (err < 0)
		return err;
	s->volumes[s->n_volumes++] = *v;
	return 0;
}

static int add_pools(struct seen *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		const struct plan_pool *pool = &p->pools[i];
		struct volume v = { .kind = pool->shared ? VOLUME_SHARED : VOLUME_OWN,
				    .name = pool->shared ? "ram" : pool->dir + strlen("/rofs/rw"),
				    .dir = pool->dir,
				    .index = i,
				    .is_pool = true };
		int err = add_volume(s, &v);

		if (err < 0)
			return err;
	}
	return 0;
}

static bool holds_uppers(const struct plan *p, const char *dir)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].on_partition && path_is_below(p->overlays[i].layers, dir))
			return true;
	return false;
}

int seen_volumes(struct seen *s, const struct plan *p)
{
	int err = add_pools(s, p);

	for (size_t i = 0; i < p->n_partitions && err >= 0; i++) {
		const struct plan_partition *q = &p->partitions[i];
		struct volume v = { .kind = VOLUME_PARTITION, .dir = q->where, .index = i };

		if (!q->conf)
			continue;
		v.name = q->conf->section.name;
		v.is_pool = holds_uppers(p, q->where);
		err = add_volume(s, &v);
	}
	return err;
}

/* The mount on @target whose mount point lies in @parent; the later one covers an earlier. */
static const struct seen_mount *find_child(const struct seen *s, const struct seen_mount *parent,
					   const char *target, size_t len)
{
	for (size_t i = s->n_mounts; i > 0; i--) {
		const struct seen_mount *m = &s->mounts[i - 1];

		if (m->parent == parent->id && m->id != parent->id &&
		    strncmp(m->target, target, len) == 0 && !m->target[len])
			return m;
	}
	return NULL;
}

/* Follows the mounts that are stacked on one another at the first @len bytes of @path. */
static const struct seen_mount *descend(const struct seen *s, const struct seen_mount *at,
					const char *path, size_t len)
{
	/* A mount is parent of another at most once: a table that says otherwise is made up. */
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct seen_mount *child = find_child(s, at, path, len);

		if (!child)
			return at;
		at = child;
	}
	return at;
}

/* Its parent lies outside of what this process can see, or it is its own. */
static const struct seen_mount *find_root(const struct seen *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct seen_mount *m = &s->mounts[i];
		bool has_parent = false;

		if (strcmp(m->target, "/") != 0)
			continue;
		for (size_t j = 0; j < s->n_mounts && !has_parent; j++)
			has_parent = j != i && s->mounts[j].id == m->parent;
		if (!has_parent)
			return m;
	}
	return NULL;
}

const struct seen_mount *seen_at(const struct seen *s, const char *path)
{
	const struct seen_mount *at = find_root(s);
	size_t len = 0;

	if (!at)
		return NULL;

	at = descend(s, at, "/", 1);
	while (path[len] && path[len + 1]) {
		len += 1 + strcspn(path + len + 1, "/");
		at = descend(s, at, path, len);
	}
	return at;
}

const struct seen_mount *seen_mounted_at(const struct seen *s, const char *path)
{
	const struct seen_mount *m = seen_at(s, path);

	return m && strcmp(m->target, path) == 0 ? m : NULL;
}

bool seen_same_fs(const struct seen_mount *a, const struct seen_mount *b)
{
	return a->major == b->major && a->minor == b->minor && strcmp(a->type, b->type) == 0;
}

bool seen_is_volatile(const struct seen_mount *m)
{
	return strcmp(m->type, "tmpfs") == 0 || strcmp(m->type, "ramfs") == 0 ||
	       (strcmp(m->type, "overlay") == 0 && strcmp(m->source, "rofs") == 0);
}

static const char *pool_dir(const struct plan *p, const struct plan_overlay *o)
{
	for (size_t i = 0; i < p->n_pools; i++)
		if (strcmp(p->pools[i].dir, o->layers) == 0)
			return o->layers;
	return "/rofs";
}

const struct volume *volume_of_overlay(const struct seen *s, const struct plan *p,
				       const struct plan_overlay *o)
{
	const char *dir = pool_dir(p, o);

	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct volume *v = &s->volumes[i];

		if (o->on_partition ?
			    v->kind == VOLUME_PARTITION && path_is_below(o->layers, v->dir) :
			    strcmp(v->dir, dir) == 0)
			return v;
	}
	return NULL;
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	/* Sizes of today's devices times 100 fit. */
	return (unsigned)((part * 100 + whole - 1) / whole);
}

unsigned usage_percent(const struct usage *u)
{
	return percent(u->used, u->used + u->available);
}

unsigned usage_inodes_percent(const struct usage *u)
{
	return percent(u->inodes_used, u->inodes);
}

unsigned usage_level(unsigned reached)
{
	if (reached >= USAGE_CRITICAL_PERCENT)
		return USAGE_CRITICAL_PERCENT;
	return reached >= USAGE_WARNING_PERCENT ? USAGE_WARNING_PERCENT : 0;
}
