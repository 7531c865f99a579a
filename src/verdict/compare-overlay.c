/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "basic/path.h"
#include "plan/fstab.h"
#include "unit/options.h"
#include "verdict/comparing.h"
#include "verdict/declared.h"

/* An overlay in question, and what is found of it. */
struct compared {
	const struct plan_overlay *overlay;
	const char *options;			  /* of the merged mount, as declared */
	const struct observed_mount *merged, *at; /* NULL: not mounted */
	const struct observed_mount *extension;	  /* of systemd, over @at; NULL: none */
	const struct observed_mount *covering;	  /* over its upper; NULL: none */
	const struct observed_mount *lower; /* of fstab; NULL: it is the root's, or not mounted */
};

static bool is_storage(const struct observed *s, const char *path)
{
	for (size_t i = 0; i < s->n_storages; i++)
		if (strcmp(s->storages[i].dir, path) == 0)
			return true;
	return false;
}

static bool leads_to_layers(const char *target, const struct plan_overlay *o)
{
	size_t n = strlen(o->layers);

	return path_is_at_or_below(o->layers, target) ||
	       (strncmp(target, o->layers, n) == 0 &&
		(strcmp(target + n, "/upper") == 0 || strcmp(target + n, "/work") == 0));
}

/* What is mounted between the storage of an overlay and its layers, and is no storage itself. */
static const struct observed_mount *find_covering(const struct observed *s,
						  const struct plan_overlay *o)
{
	const struct storage *v = storage_of_overlay(s, o);

	for (size_t i = 0; v && i < s->n_mounts; i++) {
		const struct observed_mount *m = &s->mounts[i];

		if (path_is_below(m->target, v->dir) && leads_to_layers(m->target, o) &&
		    !is_storage(s, m->target) && observed_mounted_at(s, m->target) == m)
			return m;
	}
	return NULL;
}

static const struct observed_mount *find_lower(const struct comparing *c,
					       const struct plan_overlay *o)
{
	const struct plan_lower *l = comparing_find_lower(c->plan, o);

	return l ? observed_mounted_at(c->observed, l->where) : NULL;
}

/* What was mounted on a layer's path since then is not in the overlay. */
static bool is_older(const struct compared *x, const struct observed_mount *m)
{
	/* A later mount comes later in the table. */
	return m && (x->merged ? x->merged : x->at) < m;
}

/* What was made on the pool before it was mounted lies beneath it. */
static bool is_older_than_pool(const struct comparing *c, const struct compared *x)
{
	const struct storage *v = storage_of_overlay(c->observed, x->overlay);

	return v && is_older(x, observed_mounted_at(c->observed, v->dir));
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
	if (x->covering)
		return PROBLEM_UPPER_COVERED;
	if (is_older(x, x->lower))
		return PROBLEM_OVERLAY_BEFORE_LOWER;
	if (!fstab_has_option(x->options, "ro") && observed_is_read_only(x->at))
		return PROBLEM_OVERLAY_READ_ONLY;
	if (x->extension)
		return observed_is_read_only(x->extension) ? PROBLEM_OVERLAY_EXTENDED_READ_ONLY :
							     PROBLEM_OVERLAY_EXTENDED;
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
	/* The partition has appeared since. */
	return o->fallback != SIZE_MAX ? PROBLEM_OVERLAY_NOT_KEPT : PROBLEM_OVERLAY_MISSING;
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
	if (kind == PROBLEM_OVERLAY_EXTENDED || kind == PROBLEM_OVERLAY_EXTENDED_READ_ONLY)
		comparing_set_mount(&p, x->extension);
	if (kind == PROBLEM_UPPER_COVERED)
		comparing_set_mount(&p, x->covering);
	if (kind == PROBLEM_OVERLAY_BEFORE_LOWER)
		comparing_set_mount(&p, x->lower);
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
	if (problem_kind_severity(kind) == DIAG_ERROR)
		return false;
	return comparing_flags(c, x->extension ? x->extension : x->at, x->options, o->bind_unit) &&
	       comparing_pool_in_force(c, o);
}

/* Extension images are merged over what the path shows, and are no other thing than that. */
static void set_mounts(const struct comparing *c, struct compared *x)
{
	const struct observed_mount *top = observed_mounted_at(c->observed, x->overlay->path),
				    *at = observed_beneath_extensions(c->observed, top);

	x->at = at && strcmp(at->target, x->overlay->path) == 0 ? at : NULL;
	x->extension = at != top ? top : NULL;
}

static bool compare_overlay(struct comparing *c, const struct plan_overlay *o)
{
	_cleanup_free_ char *options = NULL;
	struct compared x = { .overlay = o,
			      .merged = observed_mounted_at(c->observed, o->merged),
			      .covering = find_covering(c->observed, o),
			      .lower = find_lower(c, o) };

	set_mounts(c, &x);
	if (options_merged(c->plan, o, o->layers, &options) < 0) {
		c->verdict.problems.failed = true;
		return false;
	}
	x.options = options;
	return compare_options(c, &x);
}

static void compare_hidden(struct comparing *c, const struct observed_hidden *h)
{
	const struct plan_overlay *o = &c->plan->overlays[h->overlay];
	const struct problem p = { .kind = PROBLEM_OVERLAY_HIDES_MOUNT,
				   .path = o->path,
				   .unit = o->bind_unit,
				   .device = h->what,
				   .place = h->unit };

	comparing_add(c, &p);
}

void compare_overlays(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_overlays; i++)
		c->verdict.overlays[i] = compare_overlay(c, &c->plan->overlays[i]);
	for (size_t i = 0; i < c->observed->n_hidden; i++)
		compare_hidden(c, &c->observed->hidden[i]);
}
