/* SPDX-License-Identifier: MIT */
#include "verdict/comparing.h"

#include <string.h>

#include "basic/path.h"
#include "verdict/declared.h"

const struct plan_overlay *comparing_find_overlay(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (strcmp(p->overlays[i].path, path) == 0)
			return &p->overlays[i];
	return NULL;
}

/* The overlay mounted on @path, if it is in force and keeps its changes on a partition. */
static const struct plan_overlay *find_kept(const struct comparing *c, const char *path)
{
	const struct plan_overlay *o = comparing_find_overlay(c->plan, path);

	return o && o->on_partition && c->verdict.overlays[o - c->plan->overlays] ? o : NULL;
}

struct fate comparing_fate(const struct comparing *c, const char *path)
{
	const struct observed_mount *m = observed_at(c->observed, path);
	const struct plan_overlay *kept = m ? find_kept(c, m->target) : NULL;

	if (!m || observed_is_read_only(m))
		return (struct fate){ .kind = FATE_FAIL };
	if (kept)
		return (struct fate){ .kind = FATE_PARTITION,
				      .partition = pool_name(kept),
				      .with = kept->path };
	if (observed_is_volatile(m))
		return (struct fate){ .kind = FATE_RAM,
				      .with = strcmp(m->target, path) != 0 ? m->target : NULL };
	return (struct fate){ .kind = FATE_DEVICE, .device = m->source };
}

void comparing_set_covering(const struct comparing *c, struct problem *p)
{
	comparing_set_mount(p, observed_at(c->observed, p->path));
}

void comparing_set_mount(struct problem *p, const struct observed_mount *m)
{
	p->device = m ? m->source : "nothing";
	p->type = m ? m->type : "unknown";
	p->place = m ? m->target : "/";
}

const struct plan_lower *comparing_find_lower(const struct plan *p, const struct plan_overlay *o)
{
	const struct plan_lower *found = NULL;

	for (size_t i = 0; i < p->n_lowers; i++)
		if (path_is_at_or_below(o->lower, p->lowers[i].where) &&
		    (!found || path_is_below(p->lowers[i].where, found->where)))
			found = &p->lowers[i];
	return found;
}

bool comparing_has_mount(const struct observed *s, const char *path,
			 const struct observed_mount *of)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].target, path) == 0 && observed_same_fs(&s->mounts[i], of))
			return true;
	return false;
}

void comparing_set_partition(const struct comparing *c, struct problem *p, size_t partition)
{
	const struct conf_partition *conf = c->plan->partitions[partition].conf;

	p->partition = conf->section.name;
	p->device = conf->device;
}

void comparing_add_partition_units(const struct comparing *c, struct problem *p, size_t partition)
{
	const struct plan_partition *q = &c->plan->partitions[partition];

	if (observed_mounted_at(c->observed, q->where))
		return;
	problem_add_unit(p, q->device_unit);
	problem_add_unit(p, q->format_unit);
	problem_add_unit(p, q->fsck_unit);
	problem_add_unit(p, q->unit);
}

bool comparing_partition_in_force(const struct comparing *c, size_t partition)
{
	const struct observed *s = c->observed;

	for (size_t i = 0; i < s->n_storages; i++)
		if (s->storages[i].kind == STORAGE_PARTITION && s->storages[i].index == partition)
			return c->verdict.storages[i];
	return false;
}

bool comparing_pool_in_force(const struct comparing *c, const struct plan_overlay *o)
{
	const struct storage *v = storage_of_overlay(c->observed, o);

	return v && c->verdict.storages[v - c->observed->storages];
}

bool comparing_flags(struct comparing *c, const struct observed_mount *m, const char *options,
		     const char *unit)
{
	const struct problem p = { .kind = PROBLEM_FLAGS_MISSING,
				   .path = m->target,
				   .unit = unit,
				   .flags = declared_lacks(m, options) };

	if (p.flags)
		comparing_add(c, &p);
	return !p.flags;
}

/*
 * One that is shared alone is as good as private: in a soft reboot, and by mount --make-rshared, each mount becomes
 * one, in a group of its own.
 */
static bool is_reached(const struct observed *o, const struct observed_mount *m)
{
	for (size_t i = 0; m->peer_group && i < o->n_mounts; i++)
		if (o->mounts[i].peer_group == m->peer_group && &o->mounts[i] != m)
			return true;
	return m->is_slave;
}

void comparing_private(struct comparing *c, const struct observed_mount *m, const char *unit)
{
	const struct problem p = { .kind = PROBLEM_NOT_PRIVATE, .path = m->target, .unit = unit };

	if (is_reached(c->observed, m))
		comparing_add(c, &p);
}
