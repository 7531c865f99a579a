/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "unit/options.h"
#include "unit/unit-internal.h"

static int render_pool(struct rendering *r, const struct plan_pool *pool)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *options = NULL;
	int err;

	err = options_pool(pool, &options);
	if (err < 0)
		return err;

	unit_add_head(&b, pool->pos, pool->dir,
		      pool->shared ? "the shared RAM pool" : "a RAM pool of its own");
	if (pool->early)
		unit_add_after_early_mounts(r, &b);
	unit_add_before_local_fs(&b);
	unit_add_refuse_stop(&b);
	strbuf_add(&b, "\n[Mount]\nWhat=rofs\n");
	unit_add_path_line(&b, "Where", pool->dir);
	strbuf_add(&b, "Type=tmpfs\n");
	unit_add_options(&b, options);
	unit_add_quiet(&b, pool->early);
	return unit_add_unit(r, pool->unit, &b);
}

int unit_render_pools(struct rendering *r)
{
	for (size_t i = 0; i < r->plan->n_pools; i++) {
		int err = render_pool(r, &r->plan->pools[i]);

		if (err < 0)
			return err;
	}
	return 0;
}

int unit_render_ro(struct rendering *r)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (r->plan->n_pools == 0)
		return 0;

	unit_add_head(&b, (struct pos){ 0 }, "/rofs/ro", "the untouched root file system");
	if (r->plan->early_mounts != SIZE_MAX)
		unit_add_after_early_mounts(r, &b);
	unit_add_before_local_fs(&b);
	unit_add_refuse_stop(&b);
	strbuf_add(&b, "\n[Mount]\nWhat=/\nWhere=/rofs/ro\nType=none\n");
	unit_add_options(&b, OPTIONS_RO);
	unit_add_quiet(&b, r->plan->early_mounts != SIZE_MAX);
	return unit_add_unit(r, "rofs-ro.mount", &b);
}

int unit_render_tmp(struct rendering *r)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (!r->plan->tmp)
		return 0;

	unit_add_head(&b, r->plan->conf->root.section.pos, "/tmp",
		      "a tmpfs, since the root below it is read-only");
	if (r->plan->early_mounts != SIZE_MAX)
		unit_add_after_early_mounts(r, &b);
	unit_add_before_local_fs(&b);
	unit_add_refuse_stop(&b);
	strbuf_add(&b, "\n[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n");
	unit_add_options(&b, OPTIONS_TMP);
	unit_add_quiet(&b, r->plan->early_mounts != SIZE_MAX);
	return unit_add_unit(r, "tmp.mount", &b);
}

static void add_lower_of_overlay(struct rendering *r, struct strbuf *b, const struct plan_run *run,
				 const struct plan_overlay *o)
{
	const char *unit, *finish;

	if (o->lower_is_root)
		return;
	finish = r->plan->lowers[o->lower_mount].finish_unit;
	if (finish)
		strbuf_addf(b,
			    "# It changes the lower, if a power cut has interrupted a commit.\n"
			    "Wants=%s\nAfter=%s\n",
			    finish, finish);
	if (run->kind != RUN_PARTITION)
		return unit_add_requires_mounts_for(b, o->lower);
	unit = r->plan->lowers[o->lower_mount].unit;
	strbuf_add(b, "# Wanted, not required: without it, only the overlay fails.\n");
	strbuf_addf(b, "Wants=%s\nAfter=%s\n", unit, unit);
}

/* The pool and the lowers of the overlays that it serves. */
static void add_run_mounts(struct rendering *r, struct strbuf *b, const struct plan_run *run)
{
	const struct plan *p = r->plan;

	strbuf_add(
		b,
		"# The pool it writes to, and the lower directories whose mode and owner it copies.\n");
	unit_add_requires_mounts_for(b, run->dir);
	unit_add_requires_mounts_for(b, "/rofs/ro");
	for (size_t i = 0; i < run->overlays.n; i++)
		add_lower_of_overlay(r, b, run, &p->overlays[run->overlays.list[i]]);
}

/* Wanted, not required: only the first boot of a persist copies from them. */
static void add_populate_lowers(struct rendering *r, struct strbuf *b, const struct plan_run *run)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < run->persists.n; i++) {
		const struct plan_persist *persist = &p->persists[run->persists.list[i]];
		const char *unit;

		if (persist->lower_mount == SIZE_MAX)
			continue;
		unit = p->lowers[persist->lower_mount].unit;
		strbuf_add(b, "# What is copied on first use.\n");
		strbuf_addf(b, "Wants=%s\nAfter=%s\n", unit, unit);
	}
}

/* It lets go of single files when they are ready to be mounted on. */
static void add_after_guards(struct rendering *r, struct strbuf *b, const struct plan_run *run)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < run->persists.n; i++) {
		const struct plan_persist *persist = &p->persists[run->persists.list[i]];

		if (persist->conf->kind == PERSIST_FILE && persist->guard != SIZE_MAX &&
		    persist->guard != p->early_mounts)
			strbuf_addf(b,
				    "# It takes away what this has put up.\n"
				    "After=%s\n",
				    p->runs[persist->guard].unit);
	}
}

/*
 * It waits for no device, so nobody can write to the path before its partition is there, or has
 * turned out not to be.
 */
static int render_guard(struct rendering *r, const struct plan_run *run)
{
	const struct plan_persist *persist = &r->plan->persists[run->persists.list[0]];
	/* That of a single file is an attribute. */
	bool is_mount = persist->conf->kind != PERSIST_FILE;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, run->pos, run->subject, "read-only while the partition is not there");
	strbuf_add(&b,
		   "# What the mount point is in. Not above it: the persist comes after this.\n");
	unit_add_requires_mounts_for(&b, run->dir);
	unit_add_before_local_fs(&b);
	if (is_mount)
		strbuf_add(&b, "# Taken away at shutdown, so that what it is in can be unmounted.\n"
			       "Conflicts=umount.target\nBefore=umount.target\n");
	strbuf_add(&b, "# Before that it would take what is mounted on it.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_run(r, &b, run);
	if (is_mount) {
		strbuf_add(&b, "ExecStop=-/bin/umount ");
		unit_add_argument(&b, run->subject);
		strbuf_add_char(&b, '\n');
	}
	return unit_add_unit(r, run->unit, &b);
}

/*
 * A pool that could not be mounted is mounted by its unit, too late for the run that makes layers.
 * So it is run once more between the two, but only if there is an overlay without layers.
 */
static int render_retry(struct rendering *r, const struct plan_run *run)
{
	const struct plan *p = r->plan;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, run->pos, run->dir, "prepare what could not be prepared before");
	strbuf_add(&b, "# The pools, whichever of them has mounted them.\n");
	strbuf_addf(&b, "After=%s rofs-ro.mount\n", run->unit);
	for (size_t i = 0; i < p->n_pools; i++)
		if (p->pools[i].early)
			strbuf_addf(&b, "After=%s\n", p->pools[i].unit);
	strbuf_add(&b, "# Made last of the layers: is one missing?\n");
	for (size_t i = 0; i < run->overlays.n; i++)
		strbuf_addf(&b, "ConditionPathExists=|!%s/work\n",
			    p->overlays[run->overlays.list[i]].layers);
	strbuf_add(&b, "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_run(r, &b, run);
	unit_add_quiet(&b, true);
	return unit_add_unit(r, UNIT_RETRY, &b);
}

static int render_ram(struct rendering *r, const struct plan_run *run)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	int err;

	unit_add_head(&b, run->pos, run->dir, "prepare and mount the layers in RAM");
	strbuf_add(&b, "# What is mounted from it requires it, and stays mounted.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_run(r, &b, run);
	err = unit_add_unit(r, run->unit, &b);
	return err < 0 || run->overlays.n == 0 ? err : render_retry(r, run);
}

static int render_layers(struct rendering *r, const struct plan_run *run)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, run->pos, run->dir, "prepare upper, work and persist directories");
	add_run_mounts(r, &b, run);
	add_populate_lowers(r, &b, run);
	add_after_guards(r, &b, run);
	strbuf_add(&b, "# What is mounted from it requires it, and stays mounted.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_run(r, &b, run);
	return unit_add_unit(r, run->unit, &b);
}

static int render_run(struct rendering *r, const struct plan_run *run)
{
	switch (run->kind) {
	case RUN_RAM:
		return render_ram(r, run);
	case RUN_OVERLAY:
	case RUN_PARTITION:
		return render_layers(r, run);
	case RUN_GUARD:
		return render_guard(r, run);
	case RUN_FALLBACK: /* rendered with its overlay */
	case _RUN_KIND_MAX:
	case _RUN_KIND_INVALID:
		break;
	}
	return 0;
}

int unit_render_runs(struct rendering *r)
{
	for (size_t i = 0; i < r->plan->n_runs; i++) {
		int err = render_run(r, &r->plan->runs[i]);

		if (err < 0)
			return err;
	}
	return 0;
}
