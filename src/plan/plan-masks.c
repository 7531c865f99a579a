/* SPDX-License-Identifier: MIT */
/*
 * What systemd's own generators make of mount points that rofs has taken over.
 *
 * Our units hide those of the same name, but links in .wants and .requires directories add up
 * whichever generator wrote them. A link of the same name to /dev/null in a directory that comes
 * earlier masks one (systemd.unit(5); process_deps() in systemd's src/core/load-dropin.c).
 */
#include "plan/plan-masks.h"

#include <string.h>

#include "plan/unit-name.h"

#define LOCAL_FS "local-fs.target"

/* Takes @link over, also on failure. */
static int add_mask(struct plan *p, char *link)
{
	_cleanup_free_ char *owned = link;
	int err;

	for (size_t i = 0; i < p->n_masks; i++)
		if (strcmp(p->masks[i], link) == 0)
			return 0; /* two lines of fstab for one mount point */
	err = array_reserve(p->masks, p->n_masks);
	if (err < 0)
		return err;

	p->masks[p->n_masks++] = TAKE_PTR(owned);
	return 0;
}

int plan_mask(struct plan *p, const char *by, const char *kind, const char *unit)
{
	char *link;
	int err = text_format(&link, "%s.%s/%s", by, kind, unit);

	return err < 0 ? err : add_mask(p, link);
}

/* A unit name that is too long systemd has not made either. */
static int is_failure(int err)
{
	return err < 0 && err != -ENAMETOOLONG;
}

/*
 * A failed mount of fstab stops the boot in emergency mode, and that would go for our unit of that
 * name. On first use is too late for an overlay; and the automount would hide it.
 */
static int mask_pull(struct plan *p, const struct fstab_entry *e, bool required)
{
	bool automount = fstab_is_automount(e), nofail = fstab_has_option(e->options, "nofail");
	_cleanup_free_ char *unit = NULL;
	int err;

	if (!automount && (nofail || required))
		return 0; /* the same link as ours */
	err = unit_name_from_path(e->dir, automount ? ".automount" : ".mount", &unit);
	if (err < 0)
		return is_failure(err) ? err : 0;
	return plan_mask(p, LOCAL_FS, nofail ? "wants" : "requires", unit);
}

/* It would fail: on the overlay, or since the file system is read-only. */
static int mask_growfs(struct plan *p, const char *path)
{
	_cleanup_free_ char *mount_unit = NULL, *growfs = NULL;
	int err;

	err = unit_name_from_path(path, ".mount", &mount_unit);
	if (err >= 0)
		err = unit_name_instance("systemd-growfs", path, &growfs);
	if (err < 0)
		return is_failure(err) ? err : 0;
	err = plan_mask(p, mount_unit, "wants", growfs);
	if (err < 0 || strcmp(path, "/") != 0)
		return err;
	/* The name for the root of newer versions. */
	return plan_mask(p, mount_unit, "wants", "systemd-growfs-root.service");
}

/* Is a unit of ours mounted on @path? Then *ret_required says whether the boot depends on it. */
static bool is_ours(const struct plan *p, const char *path, bool *ret_required)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (strcmp(p->overlays[i].path, path) == 0) {
			*ret_required = plan_overlay_is_required(&p->overlays[i]);
			return true;
		}
	for (size_t i = 0; i < p->n_persists; i++)
		if (strcmp(p->persists[i].path, path) == 0) {
			*ret_required = plan_persist_is_required(&p->persists[i]);
			return true;
		}
	return false;
}

static int mask_entry(struct plan *p, const struct fstab_entry *e)
{
	bool required = false, ours = is_ours(p, e->dir, &required);
	bool read_only = p->n_remounts > 0 && fstab_is_kept_read_only(e);
	int err = 0;

	if (ours)
		err = mask_pull(p, e, required);
	if (err >= 0 && (ours || read_only) && fstab_has_option(e->options, "x-systemd.growfs"))
		err = mask_growfs(p, e->dir);
	return err;
}

/* Where systemd-gpt-auto-generator mounts partitions that it finds by their type, and grows them. */
static int mask_found(struct plan *p)
{
	static const char *const paths[] = { "/home", "/srv", "/var", "/var/tmp" };

	for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
		const struct fstab_entry found = { .dir = (char *)paths[i], .options = (char *)"" };
		bool required = false;
		int err;

		if (!is_ours(p, paths[i], &required))
			continue;
		err = mask_pull(p, &found, required);
		if (err >= 0)
			err = mask_growfs(p, paths[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

int plan_masks(struct building *b)
{
	struct plan *p = &b->plan;

	for (size_t i = 0; i < p->facts->n_fstab; i++) {
		const struct fstab_entry *e = &p->facts->fstab[i];
		int err;

		if (!fstab_is_sound(e) || e->dir[0] != '/' || fstab_is_swap(e))
			continue;
		err = mask_entry(p, e);
		if (err < 0)
			return err;
	}
	return mask_found(p);
}
