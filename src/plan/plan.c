/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "basic/path.h"

static const char *const run_kind_names[] = {
	[RUN_RAM] = "ram",	     [RUN_OVERLAY] = "overlay", [RUN_PARTITION] = "partition",
	[RUN_FALLBACK] = "fallback", [RUN_GUARD] = "guard",
};
_Static_assert(ELEMENTSOF(run_kind_names) == _RUN_KIND_MAX, "a verb for each kind of run");

const char *run_kind_to_string(enum run_kind k)
{
	return run_kind_names[k];
}

enum run_kind run_kind_from_string(const char *s)
{
	for (size_t i = 0; i < ELEMENTSOF(run_kind_names); i++)
		if (strcmp(run_kind_names[i], s) == 0)
			return (enum run_kind)i;
	return _RUN_KIND_INVALID;
}

const struct plan_run *plan_find_run(const struct plan *p, enum run_kind kind, const char *subject)
{
	for (size_t i = 0; i < p->n_runs; i++)
		if (p->runs[i].kind == kind &&
		    (kind == RUN_RAM || strcmp(p->runs[i].subject, subject) == 0))
			return &p->runs[i];
	return NULL;
}

static int compare_overlay(const void *path, const void *overlay)
{
	return path_compare(path, ((const struct plan_overlay *)overlay)->path);
}

const struct plan_overlay *plan_find_overlay(const struct plan *p, const char *path)
{
	if (p->n_overlays == 0)
		return NULL;
	return bsearch(path, p->overlays, p->n_overlays, sizeof(*p->overlays), compare_overlay);
}

static int compare_persist(const void *path, const void *persist)
{
	return path_compare(path, ((const struct plan_persist *)persist)->path);
}

const struct plan_persist *plan_find_persist(const struct plan *p, const char *path)
{
	if (p->n_persists == 0)
		return NULL;
	return bsearch(path, p->persists, p->n_persists, sizeof(*p->persists), compare_persist);
}

void plan_run_done(struct plan_run *r)
{
	free(r->subject);
	free(r->unit);
	free(r->dir);
	free(r->overlays.list);
	free(r->persists.list);
	*r = (struct plan_run){ 0 };
}

void plan_lower_done(struct plan_lower *l)
{
	free(l->what);
	free(l->where);
	free(l->unit);
	free(l->device_path);
	free(l->fsck_unit);
	free(l->device_unit);
	free(l->options);
	free(l->finish_unit);
	dependencies_done(&l->dependencies);
	*l = (struct plan_lower){ 0 };
}

void plan_overlay_done(struct plan_overlay *o)
{
	free(o->path);
	free(o->lower);
	free(o->layers);
	free(o->options);
	free(o->merged);
	free(o->merged_unit);
	free(o->bind_unit);
	for (size_t i = 0; i < o->n_start_empty; i++)
		free(o->start_empty[i]);
	free(o->start_empty);
	free(o->commit_timer);
	free(o->commit_service);
	*o = (struct plan_overlay){ 0 };
}

void plan_partition_done(struct plan_partition *p)
{
	free(p->where);
	free(p->unit);
	free(p->device_path);
	free(p->device_unit);
	free(p->fsck_unit);
	free(p->format_unit);
	free(p->grow_unit);
	dependencies_done(&p->dependencies);
	*p = (struct plan_partition){ 0 };
}

void plan_persist_done(struct plan_persist *p)
{
	free(p->path);
	free(p->lower);
	free(p->what);
	free(p->unit);
	free(p->options);
	*p = (struct plan_persist){ 0 };
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		free(p->pools[i].dir);
		free(p->pools[i].unit);
	}
	for (size_t i = 0; i < p->n_runs; i++)
		plan_run_done(&p->runs[i]);
	for (size_t i = 0; i < p->n_lowers; i++)
		plan_lower_done(&p->lowers[i]);
	for (size_t i = 0; i < p->n_overlays; i++)
		plan_overlay_done(&p->overlays[i]);
	for (size_t i = 0; i < p->n_partitions; i++)
		plan_partition_done(&p->partitions[i]);
	for (size_t i = 0; i < p->n_persists; i++)
		plan_persist_done(&p->persists[i]);
	for (size_t i = 0; i < p->n_fstab_duplicates; i++)
		free(p->fstab_duplicates[i].unit);
	for (size_t i = 0; i < p->n_remounts; i++)
		free(p->remounts[i].options);
	for (size_t i = 0; i < p->n_swaps; i++)
		free(p->swaps[i]);
	for (size_t i = 0; i < p->n_masks; i++)
		free(p->masks[i]);
	free(p->pools);
	free(p->runs);
	free(p->lowers);
	free(p->overlays);
	free(p->partitions);
	free(p->persists);
	for (size_t i = 0; i < p->n_finishes; i++)
		free(p->finishes[i].unit);
	free(p->finishes);
	free(p->fstab_duplicates);
	free(p->remounts);
	free(p->swaps);
	free(p->masks);
	free(p->overlay_options);
	free(p->kept_options);
	*p = (struct plan){ 0 };
}

bool plan_overlay_is_required(const struct plan_overlay *o)
{
	return o->on_partition && o->conf->if_missing == IF_MISSING_EMERGENCY;
}

bool plan_persist_is_required(const struct plan_persist *p)
{
	return p->conf->if_missing == IF_MISSING_EMERGENCY;
}

/* Its run prepares them: those of an overlay in RAM are with another one. */
bool plan_partition_holds_uppers(const struct plan *p, const struct plan_partition *partition)
{
	return partition->conf && partition->prepare != SIZE_MAX &&
	       p->runs[partition->prepare].overlays.n > 0;
}

bool plan_overlay_starts_empty(const struct plan_overlay *o, const char *path)
{
	for (size_t i = 0; i < o->n_start_empty; i++)
		if (strcmp(o->start_empty[i], path) == 0)
			return true;
	return false;
}
