/* SPDX-License-Identifier: MIT */
#include "verdict/observed.h"

#include <string.h>

#include "basic/path.h"

#define SHARED_POOL "ram"

void observed_done(struct observed *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].root);
		free(s->mounts[i].target);
		free(s->mounts[i].type);
		free(s->mounts[i].source);
		free(s->mounts[i].options);
		free(s->mounts[i].fs_options);
	}
	for (size_t i = 0; i < s->n_swaps; i++)
		free(s->swaps[i]);
	for (size_t i = 0; i < s->n_hidden; i++) {
		free(s->hidden[i].unit);
		free(s->hidden[i].what);
	}
	root_devices_done(&s->root_devices);
	transactions_done(&s->transactions);
	free(s->hidden);
	free(s->mounts);
	free(s->swaps);
	free(s->storages);
	free(s->partitions);
	free(s->lowers);
	*s = (struct observed){ 0 };
}

static int add_storage(struct observed *s, const struct storage *v)
{
	int err = array_reserve(s->storages, s->n_storages);

	if (err < 0)
		return err;
	s->storages[s->n_storages++] = *v;
	return 0;
}

static int add_pools(struct observed *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		const struct plan_pool *pool = &p->pools[i];
		struct storage v = { .kind = pool->shared ? STORAGE_SHARED : STORAGE_OWN,
				     .name = pool->shared ? SHARED_POOL :
							    pool->dir + strlen(PLAN_RAM_LAYERS_DIR),
				     .dir = pool->dir,
				     .unit = pool->unit,
				     .index = i,
				     .is_pool = true };
		int err = add_storage(s, &v);

		if (err < 0)
			return err;
	}
	return 0;
}

int observed_storages(struct observed *s, const struct plan *p)
{
	int err = add_pools(s, p);

	for (size_t i = 0; i < p->n_partitions && err >= 0; i++) {
		const struct plan_partition *q = &p->partitions[i];
		struct storage v = { .kind = STORAGE_PARTITION,
				     .dir = q->where,
				     .unit = q->unit,
				     .index = i,
				     .is_pool = plan_partition_holds_uppers(p, q) };

		if (!q->conf)
			continue;
		v.name = q->conf->section.name;
		err = add_storage(s, &v);
	}
	return err;
}

/* The mount on @target whose mount point is in @parent; a later one covers an earlier one. */
static const struct observed_mount *find_child(const struct observed *s,
					       const struct observed_mount *parent,
					       const char *target, size_t len)
{
	for (size_t i = s->n_mounts; i > 0; i--) {
		const struct observed_mount *m = &s->mounts[i - 1];

		if (m->parent == parent->id && m->id != parent->id &&
		    strncmp(m->target, target, len) == 0 && !m->target[len])
			return m;
	}
	return NULL;
}

/* Follows the mounts that are stacked at the first @len bytes of @path. */
static const struct observed_mount *
descend(const struct observed *s, const struct observed_mount *at, const char *path, size_t len)
{
	/* As many steps as there are mounts are enough; a forged table could go in circles. */
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct observed_mount *child = find_child(s, at, path, len);

		if (!child)
			return at;
		at = child;
	}
	return at;
}

/* Its parent is hidden from this process, or is itself. */
static const struct observed_mount *find_root(const struct observed *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct observed_mount *m = &s->mounts[i];
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

const struct observed_mount *observed_at(const struct observed *s, const char *path)
{
	const struct observed_mount *at = find_root(s);
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

const struct observed_mount *observed_mounted_at(const struct observed *s, const char *path)
{
	const struct observed_mount *m = observed_at(s, path);

	return m && strcmp(m->target, path) == 0 ? m : NULL;
}

bool observed_same_fs(const struct observed_mount *a, const struct observed_mount *b)
{
	return a->major == b->major && a->minor == b->minor && strcmp(a->type, b->type) == 0;
}

bool observed_is_on_device(const struct observed_mount *m, const struct observed_device *d)
{
	return d->state == DEVICE_PRESENT && m->device_major == d->major &&
	       m->device_minor == d->minor;
}

bool observed_is_read_only(const struct observed_mount *m)
{
	return m->read_only || m->fs_read_only;
}

bool observed_is_overlay(const struct observed_mount *m)
{
	return strcmp(m->type, "overlay") == 0 && strcmp(m->source, "rofs") == 0;
}

bool observed_is_extension(const struct observed_mount *m)
{
	return strcmp(m->type, "overlay") == 0 &&
	       (strcmp(m->source, "sysext") == 0 || strcmp(m->source, "confext") == 0);
}

static const struct observed_mount *find_by_id(const struct observed *s, unsigned id)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].id == id)
			return &s->mounts[i];
	return NULL;
}

const struct observed_mount *observed_beneath_extensions(const struct observed *s,
							 const struct observed_mount *m)
{
	/* A forged table could go in circles. */
	for (size_t i = 0; i < s->n_mounts && m && observed_is_extension(m); i++)
		m = find_by_id(s, m->parent);
	return m;
}

bool observed_is_volatile(const struct observed_mount *m)
{
	return strcmp(m->type, "tmpfs") == 0 || strcmp(m->type, "ramfs") == 0 ||
	       observed_is_overlay(m);
}

static enum storage_kind pool_kind(const struct plan_overlay *o)
{
	if (o->on_partition)
		return STORAGE_PARTITION;
	return path_is_below(o->pool, PLAN_RAM_LAYERS_DIR) ? STORAGE_OWN : STORAGE_SHARED;
}

const char *pool_name(const struct plan_overlay *o)
{
	switch (pool_kind(o)) {
	case STORAGE_PARTITION:
		return o->conf->partition;
	case STORAGE_OWN:
		return o->pool + strlen(PLAN_RAM_LAYERS_DIR);
	case STORAGE_SHARED:
		break;
	}
	return SHARED_POOL;
}

const struct storage *storage_of_overlay(const struct observed *s, const struct plan_overlay *o)
{
	const char *name = pool_name(o);

	/* A partition may be called "ram" too. */
	for (size_t i = 0; i < s->n_storages; i++)
		if (s->storages[i].kind == pool_kind(o) && strcmp(s->storages[i].name, name) == 0)
			return &s->storages[i];
	return NULL;
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	/* 100 times the size of a device fits. */
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
