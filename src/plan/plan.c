/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "basic/path.h"

void plan_lower_done(struct plan_lower *l)
{
	free(l->what);
	free(l->where);
	free(l->unit);
	free(l->device_path);
	free(l->fsck_unit);
	free(l->device_unit);
	free(l->options);
	*l = (struct plan_lower){ 0 };
}

void plan_overlay_done(struct plan_overlay *o)
{
	free(o->path);
	free(o->lower);
	free(o->layers);
	free(o->merged);
	free(o->merged_unit);
	free(o->bind_unit);
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
	free(p->format_dir);
	free(p->grow_unit);
	*p = (struct plan_partition){ 0 };
}

void plan_persist_done(struct plan_persist *p)
{
	free(p->path);
	free(p->lower);
	free(p->what);
	free(p->unit);
	*p = (struct plan_persist){ 0 };
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		free(p->pools[i].dir);
		free(p->pools[i].unit);
	}
	for (size_t i = 0; i < p->n_prepares; i++) {
		free(p->prepares[i].dir);
		free(p->prepares[i].unit);
		free(p->prepares[i].guard_in);
	}
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
	free(p->prepares);
	free(p->lowers);
	free(p->overlays);
	free(p->partitions);
	free(p->persists);
	free(p->fstab_duplicates);
	free(p->remounts);
	free(p->swaps);
	free(p->masks);
	free(p->overlay_options);
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

/* What is left of @path behind @dir and a slash; NULL when it is not below. */
static const char *below(const char *path, const char *dir)
{
	return path_is_below(path, dir) ? path + strlen(dir) + 1 : NULL;
}

int plan_overlay_starts_empty(const struct plan_overlay *o, const char *path)
{
	_cleanup_free_ char *list = NULL;
	const char *wanted = below(path, o->path);
	char *state, *word;

	if (!o->conf->start_empty || !wanted)
		return 0;
	list = strdup(o->conf->start_empty);
	if (!list)
		return -ENOMEM;
	for (word = strtok_r(list, " \t", &state); word; word = strtok_r(NULL, " \t", &state)) {
		const char *relative;

		path_clean(word);
		relative = below(word, o->path);
		/* The overlay's path may have been written through a link. */
		if (!relative)
			relative = below(word, o->conf->section.name);
		if (relative && strcmp(relative, wanted) == 0)
			return 1;
	}
	return 0;
}
