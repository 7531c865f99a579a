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

/* Lowers and pool of the overlays that one run of rofs-prepare serves. */
static void add_prepare_mounts(struct rendering *r, struct strbuf *b, size_t prepare)
{
	const struct plan *p = r->plan;

	strbuf_add(
		b,
		"# The pool it writes to, and the lower directories whose mode and owner it copies.\n");
	unit_add_requires_mounts_for(b, p->prepares[prepare].dir);
	unit_add_requires_mounts_for(b, "/rofs/ro");
	for (size_t i = p->prepares[prepare].first_overlay; i != SIZE_MAX;
	     i = p->overlays[i].next_prepared)
		if (!p->overlays[i].lower_is_root)
			unit_add_requires_mounts_for(b, p->overlays[i].lower);
}

/* Wanted, not required: only the first boot of a persist copies from them. */
static void add_populate_lowers(struct rendering *r, struct strbuf *b, size_t prepare)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < p->n_persists && p->n_lowers > 0; i++) {
		const char *unit;

		if (p->persists[i].prepare != prepare || p->persists[i].lower_mount == SIZE_MAX)
			continue;
		unit = p->lowers[p->persists[i].lower_mount].unit;
		strbuf_add(b, "# What is copied on first use.\n");
		strbuf_addf(b, "Wants=%s\nAfter=%s\n", unit, unit);
	}
}

/* It lets go of single files when they are ready to be mounted on. */
static void add_after_guards(struct rendering *r, struct strbuf *b, size_t prepare)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < p->n_persists; i++) {
		const struct plan_persist *q = &p->persists[i];

		if (q->prepare == prepare && q->conf->kind == PERSIST_FILE &&
		    q->guard != SIZE_MAX && q->guard != p->early_mounts)
			strbuf_addf(b,
				    "# It takes away what this has put up.\n"
				    "After=%s\n",
				    p->prepares[q->guard].unit);
	}
}

/* That of a single file is an attribute, and nothing is mounted. */
static bool guards_file(const struct plan *p, size_t prepare)
{
	for (size_t i = 0; i < p->n_persists; i++)
		if (p->persists[i].guard == prepare)
			return p->persists[i].conf->kind == PERSIST_FILE;
	return false;
}

/*
 * It waits for no device, so nobody can write to the path before its partition is there, or has
 * turned out not to be.
 */
static int render_guard(struct rendering *r, size_t i)
{
	const struct plan_prepare *guard = &r->plan->prepares[i];
	const char *path = guard->dir + strlen("/rofs/guard");
	bool is_mount = !guards_file(r->plan, i);
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, guard->pos, path, "read-only while the partition is not there");
	strbuf_add(&b,
		   "# What the mount point is in. Not above it: the persist comes after this.\n");
	unit_add_requires_mounts_for(&b, guard->guard_in);
	unit_add_before_local_fs(&b);
	if (is_mount)
		strbuf_add(&b, "# Taken away at shutdown, so that what it is in can be unmounted.\n"
			       "Conflicts=umount.target\nBefore=umount.target\n");
	strbuf_add(&b, "# Before that it would take what is mounted on it.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_prepare(r, &b, guard->dir);
	if (is_mount) {
		strbuf_add(&b, "ExecStop=-/bin/umount ");
		unit_add_argument(&b, path);
		strbuf_add_char(&b, '\n');
	}
	return unit_add_unit(r, guard->unit, &b);
}

static int render_prepare(struct rendering *r, size_t i)
{
	const struct plan_prepare *prepare = &r->plan->prepares[i];
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (prepare->guard_in)
		return render_guard(r, i);
	if (prepare->fallback)
		return 0; /* rendered with its overlay */

	unit_add_head(&b, prepare->pos, prepare->dir,
		      i == r->plan->early_mounts ? "prepare and mount the layers in RAM" :
						   "prepare upper, work and persist directories");
	if (i != r->plan->early_mounts)
		add_prepare_mounts(r, &b, i);
	add_populate_lowers(r, &b, i);
	add_after_guards(r, &b, i);
	strbuf_add(&b, "# What is mounted from it requires it, and stays mounted.\n"
		       "IgnoreOnIsolate=yes\nRefuseManualStop=yes\n");
	unit_add_prepare(r, &b, prepare->dir);
	return unit_add_unit(r, prepare->unit, &b);
}

int unit_render_prepares(struct rendering *r)
{
	for (size_t i = 0; i < r->plan->n_prepares; i++) {
		int err = render_prepare(r, i);

		if (err < 0)
			return err;
	}
	return 0;
}
