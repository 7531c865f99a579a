/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "plan/fstab.h"
#include "unit/options.h"
#include "verdict/comparing.h"
#include "verdict/declared.h"

/* An overlay in question, and what is found of it. */
struct compared {
	const struct plan_overlay *overlay;
	const char *options;			  /* of the merged mount, as declared */
	const struct observed_mount *merged, *at; /* NULL: not mounted */
};

/* What was made on the pool before it was mounted lies beneath it. */
static bool is_older_than_pool(const struct comparing *c, const struct compared *x)
{
	const struct storage *v = storage_of_overlay(c->observed, x->overlay);
	const struct observed_mount *pool = v ? observed_mounted_at(c->observed, v->dir) : NULL;

	/* A later mount comes later in the table. */
	return pool && x->merged && x->merged < pool;
}

/* An overlay of ours is at its path; is it the declared one, and can it be written to? */
static enum problem_kind classify_bound(const struct comparing *c, const struct compared *x)
{
	if (!declared_has_layers(x->at, x->options))
		return PROBLEM_OVERLAY_WRONG_LAYERS;
	if (declared_has_foreign_features(x->at->fs_options, x->overlay->on_partition))
		return PROBLEM_OVERLAY_WRONG_FEATURES;
	if (strcmp(x->at->root, "/") != 0)
		return PROBLEM_OVERLAY_WRONG_DIRECTORY;
	if (is_older_than_pool(c, x))
		return PROBLEM_OVERLAY_OUTSIDE_POOL;
	if (!fstab_has_option(x->options, "ro") && observed_is_read_only(x->at))
		return PROBLEM_OVERLAY_READ_ONLY;
	return x->merged ? PROBLEM_NONE : PROBLEM_OVERLAY_SOURCE_UNMOUNTED;
}

static enum problem_kind classify_overlay(const struct comparing *c, const struct compared *x)
{
	const struct plan_overlay *o = x->overlay;

	/* Without the partition, its replacement at the path may be an overlay of ours too. */
	if (!x->merged && o->on_partition &&
	    (o->fallback != SIZE_MAX || !x->at || !observed_is_overlay(x->at)))
		return PROBLEM_OVERLAY_NOT_KEPT;
	if (x->at && observed_is_overlay(x->at) &&
	    (!x->merged || observed_same_fs(x->at, x->merged)))
		return classify_bound(c, x);
	if (x->merged && comparing_has_mount(c->observed, o->path, x->merged))
		return PROBLEM_OVERLAY_COVERED;
	return PROBLEM_OVERLAY_MISSING;
}

/* The cause before what follows from it. */
static void add_units(const struct comparing *c, struct problem *p, const struct compared *x)
{
	const struct plan_overlay *o = x->overlay;
	const struct plan_run *runs = c->plan->runs;

	if (o->on_partition && p->kind != PROBLEM_OVERLAY_SOURCE_UNMOUNTED)
		comparing_add_partition_units(c, p, o->partition);
	if (!x->merged)
		problem_add_unit(p, o->merged_unit);
	if (p->kind == PROBLEM_OVERLAY_NOT_KEPT && o->fallback != SIZE_MAX)
		problem_add_unit(p, runs[o->fallback].unit);
	if (p->kind != PROBLEM_OVERLAY_SOURCE_UNMOUNTED)
		problem_add_unit(p, o->bind_unit);
	if (p->kind == PROBLEM_OVERLAY_MISSING)
		problem_add_unit(p, runs[o->prepare].unit);
}

/* Something should be mounted that is not; else it is mounted, but differs. */
static bool is_unmounted(enum problem_kind kind)
{
	return kind == PROBLEM_OVERLAY_MISSING || kind == PROBLEM_OVERLAY_NOT_KEPT ||
	       kind == PROBLEM_OVERLAY_SOURCE_UNMOUNTED;
}

static void add_problem(struct comparing *c, const struct compared *x, enum problem_kind kind)
{
	const struct plan_overlay *o = x->overlay;
	struct problem p = {
		.kind = kind,
		.path = o->path,
		.unit = o->merged_unit,
		.place = o->merged,
		.fate = comparing_fate(c, o->path),
		.storage = storage_of_overlay(c->observed, o),
		.directory = x->at ? x->at->root : NULL,
		.fs_options = x->at ? x->at->fs_options : NULL,
	};

	if (o->on_partition)
		comparing_set_partition(c, &p, o->partition);
	if (kind == PROBLEM_OVERLAY_COVERED)
		comparing_set_covering(c, &p);
	if (is_unmounted(kind))
		add_units(c, &p, x);
	comparing_add(c, &p);
}

static bool compare_options(struct comparing *c, const struct compared *x)
{
	const struct plan_overlay *o = x->overlay;
	enum problem_kind kind = classify_overlay(c, x);

	if (x->merged)
		comparing_private(c, x->merged, o->merged_unit);
	if (kind != PROBLEM_NONE)
		add_problem(c, x, kind);
	if (kind != PROBLEM_NONE && kind != PROBLEM_OVERLAY_SOURCE_UNMOUNTED)
		return false;
	return comparing_flags(c, x->at, x->options, o->bind_unit) && comparing_pool_in_force(c, o);
}

static bool compare_overlay(struct comparing *c, const struct plan_overlay *o)
{
	_cleanup_free_ char *options = NULL;
	struct compared x = { .overlay = o,
			      .merged = observed_mounted_at(c->observed, o->merged),
			      .at = observed_mounted_at(c->observed, o->path) };

	if (options_merged(c->plan, o, o->layers, &options) < 0) {
		c->verdict.problems.failed = true;
		return false;
	}
	x.options = options;
	return compare_options(c, &x);
}

void compare_overlays(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_overlays; i++)
		c->verdict.overlays[i] = compare_overlay(c, &c->plan->overlays[i]);
}
