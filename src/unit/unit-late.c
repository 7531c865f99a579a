/* SPDX-License-Identifier: MIT */
/*
 * What a device mounts that appears after the boot has stopped waiting for it, or again after it was
 * pulled. systemd starts what a device unit wants when that becomes active and no job has waited for
 * it (unit_notify() in its unit.c, from 247 to 262). A unit that is active or that somebody has
 * stopped while the device was there stays as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "plan/unit-name.h"
#include "unit/unit-internal.h"

#define WANTS ".wants"

/* Since 6.1 a file on tmpfs can be made immutable. */
static bool has_immutable_files(const struct facts *f)
{
	return f->kernel_major == 0 || f->kernel_major > 6 ||
	       (f->kernel_major == 6 && f->kernel_minor >= 1);
}

/* Nobody can have written to the path without the partition, so there is nothing to be hidden. */
static bool persist_may_be_late(const struct plan *p, const struct plan_persist *q)
{
	if (q->guard == SIZE_MAX)
		return false;
	return q->conf->kind != PERSIST_FILE || has_immutable_files(p->facts);
}

/* What is mounted there without it would be hidden. plan.overlays is in the order of paths. */
static bool has_overlay_below(const struct plan *p, const struct plan_overlay *o)
{
	const struct plan_overlay *next = o + 1;

	return next < p->overlays + p->n_overlays && path_is_below(next->path, o->path);
}

/* The path shows the plain lower, read-only, until it is mounted. */
static bool overlay_may_be_late(const struct plan *p, const struct plan_overlay *o)
{
	return !o->early && o->fallback == SIZE_MAX && !has_overlay_below(p, o);
}

/* The device that the overlay waits for; NULL: none. */
static const char *device_of_overlay(const struct plan *p, const struct plan_overlay *o)
{
	if (o->on_partition)
		return p->partitions[o->partition].device_unit;
	return o->lower_is_root ? NULL : p->lowers[o->lower_mount].device_unit;
}

/* struct want - a device, and a unit that it starts; both borrowed */
struct want {
	const char *device, *unit;
};

struct wants {
	struct want *list;
	size_t n;
};

static void wants_done(struct wants *w)
{
	free(w->list);
}

static int wants_add(struct wants *w, const char *device, const char *unit)
{
	/* Without the directory, it is mounted by hand. */
	if (strlen(device) + strlen(WANTS) > UNIT_LINK_DIR_BYTES_MAX)
		return 0;
	if (array_reserve(w->list, w->n) < 0)
		return -ENOMEM;
	w->list[w->n++] = (struct want){ device, unit };
	return 0;
}

/* The persists below it have waited for it, whether their own partitions are there or not. */
static int add_overlay(struct wants *w, const struct plan *p, const struct plan_overlay *o)
{
	const char *device = device_of_overlay(p, o);
	int err;

	if (!device || !overlay_may_be_late(p, o))
		return 0;
	err = wants_add(w, device, o->bind_unit);
	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		if (path_is_below(p->persists[i].path, o->path))
			err = wants_add(w, device, p->persists[i].unit);
	return err;
}

static int collect(struct wants *w, const struct plan *p)
{
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++)
		err = add_overlay(w, p, &p->overlays[i]);
	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		if (persist_may_be_late(p, &p->persists[i]))
			err = wants_add(w, p->partitions[p->persists[i].partition].device_unit,
					p->persists[i].unit);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	int c = strcmp(x->device, y->device);

	return c ? c : strcmp(x->unit, y->unit);
}

static int link_want(struct rendering *r, const char *device, const char *unit, const char *dir)
{
	_cleanup_free_ char *wants = NULL, *target = NULL;
	int err = text_format(&wants, "%s" WANTS "/", device);

	if (err >= 0)
		err = text_format(&target, "%s/%s", dir, unit);
	return err < 0 ? err : unit_add_link(r, wants, unit, target);
}

/* The verdict that the device was missing has failed the service, so it is started again. */
static int link_wants(struct rendering *r, const struct wants *w)
{
	int err = 0;

	for (size_t i = 0; i < w->n && err >= 0; i++) {
		const struct want *x = &w->list[i], *before = i > 0 ? x - 1 : NULL;

		if (!before || strcmp(before->device, x->device) != 0)
			err = link_want(r, x->device, UNIT_VERIFY, UNIT_SYSTEM_DIR);
		else if (strcmp(before->unit, x->unit) == 0)
			continue;
		if (err >= 0)
			err = link_want(r, x->device, x->unit, "..");
	}
	return err;
}

int unit_render_late(struct rendering *r)
{
	_cleanup_(wants_done) struct wants w = { 0 };
	int err = collect(&w, r->plan);

	if (err < 0)
		return err;
	if (w.n > 0)
		qsort(w.list, w.n, sizeof(*w.list), compare);
	return link_wants(r, &w);
}
