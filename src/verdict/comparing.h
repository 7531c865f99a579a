/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "verdict/verdict.h"

/* What the comparisons of verdict.c share. Each adds the problems that it finds. */

struct comparing {
	const struct plan *plan;
	const struct observed *observed;
	struct verdict verdict;
};

static inline void comparing_add(struct comparing *c, const struct problem *p)
{
	problems_add(&c->verdict.problems, p);
}

/** comparing_find_overlay - the overlay on @path, NULL: none */
const struct plan_overlay *comparing_find_overlay(const struct plan *p, const char *path);

/** comparing_fate - what happens to writes to @path, where something declared is missing */
struct fate comparing_fate(const struct comparing *c, const char *path);

/** comparing_set_covering - p->path is on another mount: the problem names that */
void comparing_set_covering(const struct comparing *c, struct problem *p);

/** comparing_set_mount - the problem names this mount, NULL: none is known */
void comparing_set_mount(struct problem *p, const struct observed_mount *m);

/** comparing_find_lower - the mount that the lower of an overlay is on, NULL: /rofs/ro itself */
const struct plan_lower *comparing_find_lower(const struct plan *p, const struct plan_overlay *o);

/** comparing_has_mount - is a mount of the file system of @of on @path, covered or not? */
bool comparing_has_mount(const struct observed *s, const char *path,
			 const struct observed_mount *of);

/** comparing_set_partition - the problem names a partition */
void comparing_set_partition(const struct comparing *c, struct problem *p, size_t partition);

/** comparing_add_partition_units - what can say why a partition is not mounted */
void comparing_add_partition_units(const struct comparing *c, struct problem *p, size_t partition);

/* Is this partition, or what holds the changes of this overlay, the declared one? */
bool comparing_partition_in_force(const struct comparing *c, size_t partition);
bool comparing_pool_in_force(const struct comparing *c, const struct plan_overlay *o);

/**
 * comparing_flags - are flags missing that @options ask for?
 *
 * Returns: false if so.
 */
bool comparing_flags(struct comparing *c, const struct observed_mount *m, const char *options,
		     const char *unit);

/** comparing_private - warn if mounts can appear below one that is meant to be private */
void comparing_private(struct comparing *c, const struct observed_mount *m, const char *unit);

/* In this order: persists and overlays are in force only if their storage is. */
void compare_root(struct comparing *c);
void compare_root_devices(struct comparing *c);
void compare_lowers(struct comparing *c);
void compare_storages(struct comparing *c);
void compare_overlays(struct comparing *c);
void compare_persists(struct comparing *c);
void compare_partitions(struct comparing *c);
