/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "unit/options.h"
#include "unit/unit-internal.h"

bool unit_is_etc(const struct plan_overlay *o)
{
	return strcmp(o->path, "/etc") == 0;
}

/*
 * An assertion, not a condition, whose failure would count as success for what requires this. It is
 * asked only where rofs-prepare has not mounted the overlay: systemd would make directories that
 * are missing (256 and newer), with another mode, on whatever file system is there.
 */
static void add_ram_layers(struct strbuf *b, const struct plan_overlay *o)
{
	unit_add_requires_mounts_for(b, o->layers);
	strbuf_add(b, "# Without its pool, or layers in it, there is nothing to mount.\n");
	unit_add_path_line(b, "AssertPathIsMountPoint", o->pool);
	if (o->early)
		strbuf_addf(b, "AssertPathExists=%s/work\n", o->layers);
}

/*
 * At shutdown the partition is unmounted from /rofs/persist, but its file system lives in the
 * overlay until systemd-shutdown takes that down, when no process is left to keep it busy. So the
 * overlay does not require the partition's unit, which would stop it too early.
 */
static void add_layers(struct rendering *r, struct strbuf *b, const struct plan_overlay *o)
{
	strbuf_add(b, "# systemd does not look at layer paths for dependencies.\n");
	unit_add_requires_mounts_for(b, o->lower);
	if (!o->on_partition)
		return add_ram_layers(b, o);
	strbuf_addf(b, "Wants=%s\nAfter=%s\n", r->plan->partitions[o->partition].unit,
		    r->plan->partitions[o->partition].unit);
	strbuf_add(b, "# Wanted only, so that stopping it at shutdown leaves the overlay to\n"
		      "# systemd-shutdown. Without it there is nothing to mount.\n"
		      "AssertPathIsMountPoint=");
	unit_add_path(b, r->plan->partitions[o->partition].where);
	strbuf_add_char(b, '\n');
}

static int render_merged(struct rendering *r, const struct plan_overlay *o)
{
	const char *prepare = r->plan->runs[o->prepare].unit;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *options = NULL;
	int err;

	err = options_merged(r->plan, o, o->layers, &options);
	if (err < 0)
		return err;

	unit_add_head(&b, o->conf->section.pos, o->path,
		      o->on_partition ? "overlay with changes on a partition" :
					"overlay with changes in RAM");
	strbuf_add(&b, "# It makes upper and work. Wanted, not required: what it could not make\n"
		       "# fails here, the rest goes on.\n");
	strbuf_addf(&b, "Wants=%s\nAfter=%s\n", prepare, prepare);
	if (o->early)
		strbuf_add(&b, "# The same once more, if a pool was not mounted then.\n"
			       "Wants=" UNIT_RETRY "\nAfter=" UNIT_RETRY "\n");
	else
		strbuf_addf(
			&b,
			"# It leaves this file when there is nothing foreign in or above them.\n"
			"AssertPathExists=" PLAN_PREPARED_DIR "/%s\n",
			o->merged_unit);
	add_layers(r, &b, o);
	unit_add_before_local_fs(&b);
	unit_add_refuse_stop(&b);
	strbuf_add(&b, "\n[Mount]\nWhat=rofs\n");
	unit_add_path_line(&b, "Where", o->merged);
	strbuf_add(&b, "Type=overlay\n");
	if (o->lower_is_live)
		strbuf_add(
			&b,
			"# Users may rename what leads to the lower. So rofs-prepare mounts it by a\n"
			"# descriptor, and nobody mounts it by its name.\n");
	unit_add_options(&b, options);
	if (o->has_guards)
		strbuf_add(&b, "# The guards in it, which have no units, go with it.\n"
			       "LazyUnmount=yes\n");
	unit_add_quiet(&b, true);
	return unit_add_unit(r, o->merged_unit, &b);
}

/*
 * What replaces an overlay without its partition, or the overlay itself: decided when the partition
 * is there or has turned out not to be.
 */
static int render_fallback(struct rendering *r, const struct plan_overlay *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct plan_run *run;

	if (o->fallback == SIZE_MAX)
		return 0;
	run = &r->plan->runs[o->fallback];
	unit_add_head(&b, run->pos, o->path,
		      o->conf->if_missing == IF_MISSING_VOLATILE ?
			      "the overlay, with changes in RAM without its partition" :
			      "the overlay, or the plain lower without its partition");
	strbuf_add(&b, "# It waits for this, and goes on when it fails.\n");
	strbuf_addf(&b, "Wants=%s\nAfter=%s\n", o->merged_unit, o->merged_unit);
	strbuf_add(&b, "# What it mounts instead, and where.\n");
	unit_add_requires_mounts_for(&b, o->lower);
	unit_add_requires_mounts_for(&b, o->conf->if_missing == IF_MISSING_VOLATILE ? o->pool :
										      "/rofs");
	strbuf_add(&b, "# What is bound from it requires it, and stays mounted.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_run(r, &b, run);
	return unit_add_unit(r, run->unit, &b);
}

/* What is bound to the path, and what has made it. */
static const char *add_bound(struct rendering *r, struct strbuf *b, const struct plan_overlay *o)
{
	const struct plan_run *fallback;

	if (o->fallback == SIZE_MAX) {
		strbuf_add(b, "# What is bound here.\n");
		unit_add_requires_after(b, o->merged_unit);
		return o->merged;
	}
	fallback = &r->plan->runs[o->fallback];
	strbuf_add(b, "# It has bound this already, with or without the partition.\n");
	unit_add_requires_after(b, fallback->unit);
	return fallback->dir;
}

/* What fstab wants before a unit is what stands at the path then: the overlay. */
static void add_before(struct rendering *r, struct strbuf *b, const struct plan_overlay *o)
{
	const struct plan_lower *l = o->lower_is_root ? NULL : &r->plan->lowers[o->lower_mount];
	bool told = false;

	if (!l || l->bind || strcmp(l->entry->dir, o->path) != 0)
		return;
	for (size_t i = 0; i < l->dependencies.n; i++) {
		if (l->dependencies.list[i].kind != DEPENDENCY_BEFORE)
			continue;
		if (!told)
			strbuf_add(b, "# x-systemd.before= of its line in fstab.\n");
		told = true;
		strbuf_addf(b, "Before=%s\n", l->dependencies.list[i].name);
	}
}

static int render_bind(struct rendering *r, const struct plan_overlay *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *what;

	unit_add_head(&b, o->conf->section.pos, o->path, "the overlay bound into place");
	what = add_bound(r, &b, o);
	if (o->early)
		unit_add_after_early_mounts(r, &b);
	unit_add_before_local_fs(&b);
	add_before(r, &b, o);
	if (!o->early && o->fallback == SIZE_MAX)
		unit_add_before_verify(&b);
	unit_add_refuse_stop(&b);
	if (unit_is_etc(o))
		strbuf_add(
			&b,
			"# These are not ordered after local file systems, and would go on seeing\n"
			"# the lower for as long as they live.\n"
			"Before=systemd-resolved.service systemd-networkd.service\n"
			"Before=systemd-timesyncd.service\n");
	strbuf_add(&b, "\n[Mount]\n");
	unit_add_path_line(&b, "What", what);
	unit_add_path_line(&b, "Where", o->path);
	strbuf_add(&b, "Type=none\n");
	if (o->has_guards)
		strbuf_add(
			&b,
			"# With the guards of the persists below: nobody writes there before them.\n");
	unit_add_options(&b, o->has_guards ? OPTIONS_BIND_GUARDED : OPTIONS_BIND);
	unit_add_quiet(&b, o->early || unit_is_etc(o) || o->fallback != SIZE_MAX);
	return unit_add_unit(r, o->bind_unit, &b);
}

int unit_render_overlays(struct rendering *r)
{
	for (size_t i = 0; i < r->plan->n_overlays; i++) {
		int err = render_merged(r, &r->plan->overlays[i]);

		if (err >= 0)
			err = render_fallback(r, &r->plan->overlays[i]);
		if (err >= 0)
			err = render_bind(r, &r->plan->overlays[i]);
		if (err < 0)
			return err;
	}
	return 0;
}
