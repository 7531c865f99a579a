/* SPDX-License-Identifier: MIT */
/*
 * Other mounts through which a lower can be written to. What overlayfs shows after that is undefined:
 * Documentation/filesystems/overlayfs.rst, "Changes to underlying filesystems".
 */
#include <string.h>
#include <sys/stat.h>

#include "basic/path.h"
#include "plan/mount-flags.h"
#include "plan/subvolume.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"

/* Is it mounted by fstab, writable, and not by us? */
static bool is_writable(const struct checking *c, const struct fstab_entry *e)
{
	const struct plan *p = &c->l->plan;

	return !(mount_flags(e->options) & MOUNT_READ_ONLY) && !fstab_is_kept_read_only(e) &&
	       !plan_find_overlay(p, e->dir) && !plan_find_persist(p, e->dir);
}

/* By its name, and on this machine also by another. Returns: 1, 0 or -ENOMEM. */
static int is_same_device(const struct checking *c, const char *one, const char *two)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	struct stat x, y;
	int err = unit_name_device_path(one, &a);

	if (err >= 0)
		err = unit_name_device_path(two, &b);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	if (strcmp(a, b) == 0)
		return 1;
	return c->running && stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISBLK(x.st_mode) &&
	       S_ISBLK(y.st_mode) && x.st_rdev == y.st_rdev;
}

/* @lower: of fstab. Returns: 1 if entry @e is another mount of the same; 0, or -ENOMEM. */
static int is_second_mount(const struct checking *c, const struct fstab_entry *e,
			   const struct fstab_entry *lower)
{
	int same = e != lower && !fstab_is_bind(e) ? is_same_device(c, e->spec, lower->spec) : 0,
	    shown;

	if (same <= 0 || !(subvolume_is_btrfs(e) || subvolume_is_btrfs(lower)))
		return same;
	shown = subvolume_compare(e->options, lower->options);
	if (shown < 0)
		return shown;
	/* Within the overlay it is mounted over what the lower shows of it. */
	if (shown == SUBVOLUMES_INNER)
		return !path_is_below(e->dir, lower->dir);
	return shown == SUBVOLUMES_SAME || shown == SUBVOLUMES_OUTER;
}

static int check_second_mount(struct checking *c, const struct fstab_entry *e,
			      const struct fstab_entry *lower)
{
	int same = is_second_mount(c, e, lower);

	if (same > 0)
		check_add(c, PROBLEM_LOWER_SHARED, NULL, fstab_pos(e),
			  "fstab mounts %s writable on %s as well as on %s, which rofs keeps "
			  "read-only: one of the two mounts fails, or changes what is below an "
			  "overlay; expected ro here, or no such line",
			  e->spec, e->dir, lower->dir);
	return same < 0 ? same : 0;
}

/* A lower that is a directory of what fstab mounts writable elsewhere. */
static void check_source(struct checking *c, const struct fstab_entry *lower)
{
	const struct fstab_entry *e =
		fstab_is_bind(lower) ? fstab_at_or_above(&c->mounts, lower->spec) : NULL;

	if (!e || e == lower || !is_writable(c, e))
		return;
	check_add(c, PROBLEM_LOWER_SHARED, NULL, fstab_pos(lower),
		  "fstab mounts %s on %s, which is overlaid, but %s stays writable through %s: "
		  "changes there show in the overlay, or break it; expected ro for %s, or "
		  "[Overlay %s] instead",
		  lower->spec, lower->dir, lower->spec, e->dir, e->dir, lower->spec);
}

/*
 * An overlay on a directory of what fstab mounts. A bind of a directory above it shows what is below
 * the overlay; with rbind it shows the overlay.
 */
static void check_bind(struct checking *c, const struct fstab_entry *e,
		       const struct plan_overlay *o)
{
	const struct fstab_entry *lower = fstab_at_or_above(&c->mounts, o->path);

	if (!lower || e == lower || !fstab_is_bind(e) || fstab_has_option(e->options, "rbind") ||
	    !path_is_below(o->path, e->spec) || !path_is_at_or_below(e->spec, lower->dir) ||
	    !is_writable(c, lower))
		return;
	check_add(
		c, PROBLEM_LOWER_SHARED, &o->conf->section, fstab_pos(e),
		"fstab binds %s on %s, where %s%s is writable without its overlay; expected ro or "
		"rbind here",
		e->spec, e->dir, e->dir, o->path + strlen(e->spec));
}

static int check_entry(struct checking *c, const struct fstab_entry *e)
{
	const struct plan *p = &c->l->plan;
	const struct fstab_entry *root = c->mounts.root;
	int err = 0;

	if (!is_writable(c, e))
		return 0;
	/* Subvolumes of / are for check_subvolumes(). */
	if (root && p->n_remounts > 0 && !subvolume_is_btrfs(root))
		err = check_second_mount(c, e, root);
	for (size_t i = 0; i < p->n_lowers && err >= 0; i++)
		err = check_second_mount(c, e, p->lowers[i].entry);
	for (size_t i = 0; i < p->n_overlays; i++)
		check_bind(c, e, &p->overlays[i]);
	return err;
}

int check_lower_mounts(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_lowers; i++)
		if (!p->lowers[i].bind)
			check_source(c, p->lowers[i].entry);
	for (size_t i = 0; i < c->mounts.n && err >= 0; i++)
		err = check_entry(c, c->mounts.entries[i]);
	return err;
}
