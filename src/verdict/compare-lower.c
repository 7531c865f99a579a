/* SPDX-License-Identifier: MIT */
/* The root file system, and what is beneath overlays. */
#include <string.h>

#include "basic/path.h"
#include "plan/fstab.h"
#include "verdict/comparing.h"
#include "verdict/declared.h"

#define LOWER_ROOT	"/rofs/ro"
#define LOWER_ROOT_UNIT "rofs-ro.mount"

/* Each mount through which this file system can be written. Returns: is there any? */
static bool add_writable_mounts(struct comparing *c, const char *path,
				const struct observed_mount *m)
{
	const struct observed *s = c->observed;
	bool found = false;

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct problem p = { .kind = PROBLEM_ROOT_WRITABLE_MOUNT,
					   .path = path,
					   .unit = "systemd-remount-fs.service",
					   .place = s->mounts[i].target };

		if (s->mounts[i].read_only || !observed_same_fs(&s->mounts[i], m))
			continue;
		comparing_add(c, &p);
		found = true;
	}
	return found;
}

static void compare_read_only(struct comparing *c, const char *path)
{
	const struct observed_mount *m =
		observed_beneath_extensions(c->observed, observed_at(c->observed, path));
	struct problem p = { .kind = PROBLEM_ROOT_WRITABLE_SUPERBLOCK,
			     .path = path,
			     .unit = "systemd-remount-fs.service" };

	if (!m || m->fs_read_only || (m->read_only && add_writable_mounts(c, path, m)))
		return;
	if (!m->read_only) {
		p.kind = PROBLEM_ROOT_WRITABLE;
		problem_add_unit(&p, p.unit);
	} else if (c->observed->transactions.running) {
		p.kind = PROBLEM_COMMIT_RUNNING;
	}
	comparing_add(c, &p);
}

void compare_root(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_remounts; i++) {
		const struct plan_remount *r = &c->plan->remounts[i];
		const char *dir = r->entry ? r->entry->dir : "/";

		/* An overlay on /usr is meant to be writable; its lower is compared elsewhere. */
		if (r->options && !comparing_find_overlay(c->plan, dir))
			compare_read_only(c, dir);
	}
}

static enum problem_kind classify_lower_root(const struct observed_mount *m,
					     const struct observed_mount *root)
{
	if (!m)
		return PROBLEM_LOWER_ROOT_MISSING;
	/* Subvolumes of one btrfs differ only in the directory. */
	if (!root || !observed_same_fs(m, root) || strcmp(m->root, root->root) != 0)
		return PROBLEM_LOWER_ROOT_WRONG;
	return observed_is_read_only(m) ? PROBLEM_NONE : PROBLEM_LOWER_WRITABLE;
}

static void compare_lower_root(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, LOWER_ROOT),
				    *root = observed_at(c->observed, "/");
	struct problem p = { .kind = classify_lower_root(m, root),
			     .path = LOWER_ROOT,
			     .unit = LOWER_ROOT_UNIT };

	if (m)
		comparing_private(c, m, LOWER_ROOT_UNIT);
	if (p.kind == PROBLEM_NONE)
		return;
	if (p.kind == PROBLEM_LOWER_ROOT_MISSING)
		problem_add_unit(&p, p.unit);
	if (p.kind == PROBLEM_LOWER_ROOT_WRONG)
		comparing_set_covering(c, &p);
	comparing_add(c, &p);
}

/* Bound from where fstab has mounted it. If that is gone, it cannot be told. */
static enum problem_kind classify_bound_lower(const struct comparing *c, const struct plan_lower *l,
					      const struct observed_mount *m)
{
	return !observed_mounted_at(c->observed, l->entry->dir) ||
			       comparing_has_mount(c->observed, l->entry->dir, m) ?
		       PROBLEM_NONE :
		       PROBLEM_LOWER_WRONG;
}

static enum problem_kind classify_device(const struct comparing *c, const struct plan_lower *l,
					 const struct observed_mount *m)
{
	const struct observed_device *devices = c->observed->lowers,
				     *d = devices ? &devices[l - c->plan->lowers] : NULL;

	if (l->bind)
		return classify_bound_lower(c, l, m);
	if (!d || d->state == DEVICE_UNKNOWN)
		return PROBLEM_NONE;
	if (!observed_is_on_device(m, d))
		return PROBLEM_LOWER_WRONG;
	return declared_is_whole(m, l->options) ? PROBLEM_NONE : PROBLEM_LOWER_WRONG_DIRECTORY;
}

static bool is_writable_elsewhere(const struct observed *s, const struct observed_mount *m)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!s->mounts[i].read_only && observed_same_fs(&s->mounts[i], m))
			return true;
	return false;
}

static enum problem_kind classify_lower(const struct comparing *c, const struct plan_lower *l,
					const struct observed_mount *m)
{
	enum problem_kind kind = m ? classify_device(c, l, m) : PROBLEM_LOWER_MISSING;

	if (kind != PROBLEM_NONE)
		return kind;
	if (!observed_is_read_only(m))
		return PROBLEM_LOWER_WRITABLE;
	/* What fstab mounts as ever may be writable there, and so may another subvolume. */
	if (m->fs_read_only || l->bind || is_writable_elsewhere(c->observed, m))
		return PROBLEM_NONE;
	return c->observed->transactions.running ? PROBLEM_COMMIT_RUNNING :
						   PROBLEM_LOWER_WRITABLE_SUPERBLOCK;
}

static void compare_lower(struct comparing *c, const struct plan_lower *l)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, l->where);
	struct problem p = {
		.kind = classify_lower(c, l, m),
		.path = l->where,
		.unit = l->unit,
		.device = l->entry->spec,
		.origin = fstab_origin(l->entry),
		.directory = m ? m->root : NULL,
	};

	if (m && fstab_has_option(l->options, "private"))
		comparing_private(c, m, l->unit);
	if (p.kind == PROBLEM_NONE)
		return;
	if (p.kind == PROBLEM_LOWER_WRONG) {
		comparing_set_covering(c, &p);
		p.declared = l->entry->spec;
	}
	p.place = l->entry->dir;
	problem_add_unit(&p, l->device_unit);
	problem_add_unit(&p, l->fsck_unit);
	problem_add_unit(&p, l->unit);
	comparing_add(c, &p);
}

/* rofs.conf is read from there, and programs that compare with the lower see what covers it. */
static void compare_lower_path(struct comparing *c, const struct plan_overlay *o)
{
	const struct observed_mount *m = observed_at(c->observed, o->lower);
	const struct plan_lower *l = comparing_find_lower(c->plan, o);
	struct problem p = { .kind = PROBLEM_LOWER_COVERED,
			     .path = o->lower,
			     .unit = o->merged_unit };

	if (!m || !path_is_below(m->target, l ? l->where : LOWER_ROOT))
		return;
	comparing_set_covering(c, &p);
	comparing_add(c, &p);
}

void compare_lowers(struct comparing *c)
{
	if (c->plan->n_pools > 0)
		compare_lower_root(c);
	for (size_t i = 0; i < c->plan->n_lowers; i++)
		compare_lower(c, &c->plan->lowers[i]);
	for (size_t i = 0; i < c->plan->n_overlays; i++)
		compare_lower_path(c, &c->plan->overlays[i]);
}
