/* SPDX-License-Identifier: MIT */
/* Pools and partitions: what is written to. */
#include <string.h>

#include "plan/fstab.h"
#include "unit/options.h"
#include "verdict/comparing.h"
#include "verdict/declared.h"

static const struct plan_partition *partition_of(const struct comparing *c, const struct storage *v)
{
	return &c->plan->partitions[v->index];
}

/* What holds changes is the declared tmpfs; a part of another one would be another pool. */
static enum problem_kind classify_pool(const struct observed_mount *m)
{
	if (!m)
		return PROBLEM_POOL_NOT_MOUNTED;
	if (strcmp(m->type, "tmpfs") != 0 || strcmp(m->source, "rofs") != 0 ||
	    strcmp(m->root, "/") != 0)
		return PROBLEM_POOL_WRONG;
	return observed_is_read_only(m) ? PROBLEM_POOL_READ_ONLY : PROBLEM_NONE;
}

/* The run that mounts it early may have said why it did not. */
static void add_pool_units(const struct comparing *c, struct problem *p, const struct storage *v)
{
	const struct plan *plan = c->plan;

	if (v->kind != STORAGE_PARTITION && plan->pools[v->index].early &&
	    plan->early_mounts != SIZE_MAX)
		problem_add_unit(p, plan->runs[plan->early_mounts].unit);
	problem_add_unit(p, v->unit);
}

static void add_pool_problem(struct comparing *c, const struct storage *v, enum problem_kind kind)
{
	struct problem p = problem_of_storage(kind, v);

	comparing_set_covering(c, &p);
	if (kind == PROBLEM_POOL_NOT_MOUNTED)
		add_pool_units(c, &p, v);
	comparing_add(c, &p);
}

static bool compare_pool(struct comparing *c, const struct storage *v)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, v->dir);
	_cleanup_free_ char *options = NULL;
	enum problem_kind kind = classify_pool(m);

	if (kind != PROBLEM_NONE) {
		add_pool_problem(c, v, kind);
		return false;
	}
	if (options_pool(&c->plan->pools[v->index], &options) < 0) {
		c->verdict.problems.failed = true;
		return false;
	}
	return comparing_flags(c, m, options, v->unit);
}

static bool is_declared_device(const struct comparing *c, const struct storage *v,
			       const struct observed_mount *m)
{
	const struct observed_device *devices = c->observed->partitions;

	return !devices || devices[v->index].state == DEVICE_UNKNOWN ||
	       observed_is_on_device(m, &devices[v->index]);
}

static enum problem_kind classify_partition(const struct comparing *c, const struct storage *v,
					    const struct observed_mount *m)
{
	if (!is_declared_device(c, v, m))
		return PROBLEM_PARTITION_WRONG_DEVICE;
	return declared_is_whole(m, partition_of(c, v)->conf->options) ?
		       PROBLEM_NONE :
		       PROBLEM_PARTITION_WRONG_DIRECTORY;
}

/* Is an overlay mounted that should keep its changes on this partition? */
static bool has_overlay(const struct comparing *c, const struct storage *v)
{
	for (size_t i = 0; i < c->plan->n_overlays; i++)
		if (storage_of_overlay(c->observed, &c->plan->overlays[i]) == v &&
		    observed_mounted_at(c->observed, c->plan->overlays[i].merged))
			return true;
	return false;
}

static bool compare_partition_mount(struct comparing *c, const struct storage *v)
{
	const struct plan_partition *q = partition_of(c, v);
	const struct observed_mount *m = observed_mounted_at(c->observed, v->dir);
	struct problem p = { .path = q->where,
			     .partition = q->conf->section.name,
			     .unit = q->unit,
			     .declared = q->conf->device };

	if (!m) {
		/* What is missing with it is a problem of its path; this would not be missed. */
		if (has_overlay(c, v))
			add_pool_problem(c, v, PROBLEM_POOL_NOT_MOUNTED);
		return false;
	}
	comparing_private(c, m, q->unit);
	p.kind = classify_partition(c, v, m);
	if (p.kind == PROBLEM_NONE)
		return comparing_flags(c, m, q->conf->options, q->unit);
	p.device = m->source;
	p.type = m->type;
	p.directory = m->root;
	comparing_add(c, &p);
	return false;
}

void compare_storages(struct comparing *c)
{
	for (size_t i = 0; i < c->observed->n_storages; i++) {
		const struct storage *v = &c->observed->storages[i];

		c->verdict.storages[i] = v->kind == STORAGE_PARTITION ?
						 compare_partition_mount(c, v) :
						 compare_pool(c, v);
	}
}

static bool is_used_in_force(const struct comparing *c, size_t partition)
{
	for (size_t i = 0; i < c->plan->n_persists; i++)
		if (c->plan->persists[i].partition == partition && c->verdict.persists[i])
			return true;
	return false;
}

static void compare_partition(struct comparing *c, size_t i)
{
	const struct plan_partition *q = &c->plan->partitions[i];
	const struct observed_mount *m = observed_mounted_at(c->observed, q->where);
	struct problem p = {
		.path = q->where,
		.partition = q->conf->section.name,
		.unit = q->unit,
		.device = m ? m->source : NULL,
	};

	/* What is missing with it is a problem already, of its path. */
	if (!m && is_used_in_force(c, i)) {
		p.kind = PROBLEM_PARTITION_UNMOUNTED;
		problem_add_unit(&p, q->unit);
		comparing_add(c, &p);
	}
	if (m && observed_is_read_only(m) && !fstab_has_option(q->conf->options, "ro")) {
		p.kind = PROBLEM_PARTITION_READ_ONLY;
		comparing_add(c, &p);
	}
}

void compare_partitions(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_partitions; i++)
		if (c->plan->partitions[i].conf)
			compare_partition(c, i);
}
