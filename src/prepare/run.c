/* SPDX-License-Identifier: MIT */
#include "prepare/run.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "prepare/bind.h"
#include "prepare/fallback.h"
#include "prepare/guard.h"
#include "prepare/layer.h"
#include "prepare/mounts.h"
#include "prepare/persist.h"
#include "prepare/pool.h"
#include "prepare/prepared.h"
#include "prepare/volatile.h"
#include "system/hidden-mount.h"
#include "system/log.h"

/* struct work - a run, and the persists of the plan whose guards it could not put up */
struct work {
	const struct loaded *l;
	const struct plan_run *run;
	bool is_running; /* below another root nothing is mounted */
	bool *unguarded;
};

/* One line for all of them. @paths is as strbuf_add() has left it. Returns the exit status. */
static int tell_no_overlayfs(struct strbuf *paths)
{
	if (paths->failed)
		return log_error(EXIT_FAILURE, "this kernel has no overlayfs: out of memory");
	if (paths->len > 0)
		log_error(-ENODEV, "this kernel has no overlayfs:%s stay read-only", paths->text);
	return EXIT_SUCCESS;
}

/*
 * Of the early mounts, and of /etc in any run, the overlay is bound into place as well. Of /etc that
 * is not left to its unit, since PID 1's bind on machine-id must be let go of when it is covered, and
 * not before; of the others it is, since their mount points may be in an overlay that comes later.
 */
static bool is_bound_by(const struct plan_run *run, const struct plan_overlay *o)
{
	return run->kind == RUN_RAM || strcmp(o->path, "/etc") == 0;
}

/* With the guards in it. Returns: 0; 1 without one of them, which is logged; or as mounts_merged(). */
static int mount_overlay(const struct work *w, const struct plan_overlay *o, int lower_fd)
{
	const struct plan *p = &w->l->plan;
	const struct plan_run *run = w->run;
	bool is_bound = is_bound_by(run, o);
	int err = mounts_merged(p, o, lower_fd);

	if (err == -ENODEV && is_bound) {
		err = bind_read_only(o);
		return err < 0 ? err : -ENODEV;
	}
	/* The run that binds something else in its place puts them into that. */
	if (err < 0 || (!is_bound && o->fallback != SIZE_MAX))
		return err;
	return guard_overlay(p, o, o->merged, w->unguarded) < 0;
}

/* Returns: 0; or, after logging it, -ENOTUNIQ or another -errno. */
static int report_hidden(const struct rootfs *r, const struct plan_overlay *o)
{
	struct observed_hidden h = { 0 };
	_cleanup_free_ char *unit = NULL, *what = NULL;
	int err = hidden_mount_find(r, o, &h);

	unit = h.unit;
	what = h.what;
	if (err < 0)
		return log_error(err, "%s: cannot read the mount units in /run: %s", o->path,
				 strerror(-err));
	if (err == 0)
		return 0;
	return log_error(
		-ENOTUNIQ,
		"%s: the overlay hides %s, which %s would mount here; add it to /etc/fstab "
		"to make it the lower of the overlay, or remove the overlay",
		o->path, what, unit);
}

/*
 * Without the overlay, the file system that fstab names would be nowhere. What is live, fstab has mounted
 * on its own path.
 */
static int mount_instead(int root_fd, const struct plan_run *run, const struct plan_overlay *o,
			 int err)
{
	if (run->kind != RUN_OVERLAY || o->lower_is_live || !mounts_is_refused(err))
		return 0;
	return mounts_lower(root_fd, o, o->path);
}

/* @without: is added to when this kernel has no overlayfs. Returns the exit status. */
static int prepare_overlay(const struct work *w, const struct plan_overlay *o,
			   struct strbuf *without)
{
	const struct loaded *l = w->l;
	_cleanup_close_ int lower_fd = -1;
	int root_fd = l->root.root_fd, err = layer_prepare(root_fd, &l->plan, o, &lower_fd);
	bool done = err == 0 && report_hidden(&l->root, o) == 0;

	if (err < 0 || !w->is_running)
		return done ? EXIT_SUCCESS : EXIT_FAILURE;
	err = mount_overlay(w, o, lower_fd);
	if (err == -ENODEV)
		strbuf_addf(without, " %s", o->path);
	else if (err != 0)
		done = false;
	if (mount_instead(root_fd, w->run, o, err) < 0)
		done = false;
	/* Its unit would follow names to where a user has put something else since. */
	if (err < 0)
		layer_refuse(root_fd, o);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * When all are complete: what a program writes to a path whose overlay is yet to come, in another one,
 * or to the path of a persist without its guard, would be out of reach from then on.
 */
static int bind_overlays(const struct plan *p, const struct plan_run *run)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < run->overlays.n; i++) {
		const struct plan_overlay *o = &p->overlays[run->overlays.list[i]];

		if (is_bound_by(run, o) && mounts_bind(p, o) < 0)
			status = EXIT_FAILURE;
	}
	return status;
}

/* In path order: an overlay may have its mount point in another one. */
static int prepare_overlays(const struct work *w)
{
	const struct plan_run *run = w->run;
	const struct plan *p = &w->l->plan;
	_cleanup_strbuf_ struct strbuf without = { 0 };
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < run->overlays.n; i++)
		status |= prepare_overlay(w, &p->overlays[run->overlays.list[i]], &without);
	if (w->is_running)
		status |= bind_overlays(p, run);
	return tell_no_overlayfs(&without) | status;
}

/* Is the overlay missing in which its mount point would be made? It is never made on the root. */
static bool lacks_mount_point(const struct plan *p, const struct plan_persist *persist)
{
	const struct plan_overlay *above = NULL;

	/* In path order: the last one is the innermost. */
	for (size_t i = 0; i < p->n_overlays; i++)
		if (path_is_below(persist->path, p->overlays[i].path))
			above = &p->overlays[i];
	return above && !mount_point_at(AT_FDCWD, above->path) && access(persist->path, F_OK) < 0;
}

static int put_guard(const struct work *w, const struct plan_persist *persist)
{
	const struct plan *p = &w->l->plan;

	if (lacks_mount_point(p, persist))
		return log_error(-ENOENT,
				 "%s: there is no mount point, since its overlay is not mounted",
				 persist->path);
	return mounts_guard(persist, w->unguarded[persist - p->persists]);
}

/* What the path of each shows until its partition is mounted there. */
static int prepare_paths(const struct work *w)
{
	const struct plan *plan = &w->l->plan;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < w->run->persists.n; i++) {
		const struct plan_persist *p = &plan->persists[w->run->persists.list[i]];
		int err = p->maker == SIZE_MAX ? put_guard(w, p) :
						 volatile_make(w->l->root.root_fd, plan, p);

		if (err < 0)
			status = EXIT_FAILURE;
	}
	return status;
}

static int prepare_persists(const struct work *w)
{
	const struct loaded *l = w->l;
	const struct plan_run *run = w->run;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < run->persists.n; i++) {
		const struct plan_persist *persist = &l->plan.persists[run->persists.list[i]];

		if (pool_check_persist(l->root.root_fd, &l->plan, persist) < 0 ||
		    persist_prepare(l->root.root_fd, &l->plan, persist) < 0)
			status = EXIT_FAILURE;
		else if (w->is_running)
			mounts_unguard(persist);
	}
	return status;
}

static int run_ram(const struct work *w)
{
	int status = EXIT_SUCCESS;

	/* The pool covers them from now on. Without them in /run, the boot is as good. */
	if (boot_marks_remember(w->l->root.root_fd, &w->l->marks) < 0)
		log_warning(
			"cannot write to /run/rofs: a daemon-reload forgets rofs-finish.service");
	if (w->is_running && mounts_pools(&w->l->plan) < 0)
		status = EXIT_FAILURE;
	status |= prepare_overlays(w);
	if (w->is_running)
		status |= prepare_paths(w);
	return status;
}

/*
 * What an earlier run has found good may be on another medium by now. Should this one be stopped
 * before it comes to the last of them, nothing of that is mounted.
 */
static int forget_prepared(const struct loaded *l, const struct plan_run *run)
{
	int err = 0;

	for (size_t i = 0; i < run->overlays.n && err >= 0; i++)
		err = layer_refuse(l->root.root_fd, &l->plan.overlays[run->overlays.list[i]]);
	for (size_t i = 0; i < run->persists.n && err >= 0; i++)
		err = prepared_clear(l->root.root_fd, l->plan.persists[run->persists.list[i]].unit);
	return err;
}

static int run_partition(const struct work *w)
{
	int status, err = forget_prepared(w->l, w->run);

	if (err < 0)
		return log_error(EXIT_FAILURE, "cannot write to " PLAN_PREPARED_DIR ": %s",
				 strerror(-err));
	status = prepare_overlays(w);
	return prepare_persists(w) | status;
}

static int run_fallback(const struct work *w)
{
	const struct loaded *l = w->l;
	const struct plan_overlay *o = &l->plan.overlays[w->run->overlays.list[0]];

	if (!w->is_running)
		return EXIT_SUCCESS;
	return mounts_fallback(l->root.root_fd, &l->plan, o) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_guard(const struct work *w)
{
	return w->is_running ? prepare_paths(w) : EXIT_SUCCESS;
}

/* What fails is logged, and the rest goes on. Each returns the exit status. */
static int (*const actions[])(const struct work *) = {
	[RUN_RAM] = run_ram,
	[RUN_OVERLAY] = prepare_overlays,
	[RUN_PARTITION] = run_partition,
	[RUN_FALLBACK] = run_fallback,
	[RUN_GUARD] = run_guard,
};
_Static_assert(ELEMENTSOF(actions) == _RUN_KIND_MAX, "an action for each kind of run");

int run_prepare(const struct loaded *l, const struct plan_run *run, bool is_running)
{
	_cleanup_free_ bool *unguarded = calloc(l->plan.n_persists + 1, sizeof(*unguarded));
	struct work w = { .l = l, .run = run, .is_running = is_running, .unguarded = unguarded };

	if (!unguarded)
		return log_error(EXIT_FAILURE, "out of memory");
	return actions[run->kind](&w);
}
