/* SPDX-License-Identifier: MIT */
/*
 * What systemd's own generators make of mount points that rofs has taken over.
 *
 * Our units hide those of the same name, but links in .wants and .requires directories add up
 * whichever generator wrote them. A link of the same name to /dev/null in a directory that comes
 * earlier masks one (systemd.unit(5); process_deps() in systemd's src/core/load-dropin.c).
 */
#include "plan/plan-masks.h"

#include <search.h>
#include <string.h>

#include "plan/plan-names.h"
#include "plan/quota.h"
#include "plan/unit-name.h"

#define LOCAL_FS  "local-fs.target"
#define REMOTE_FS "remote-fs.target"

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int plan_take_name(struct building *b, char **name, char ***list, size_t *n)
{
	char **found;
	int err = array_reserve(*list, *n);

	if (err < 0)
		return err;
	found = tsearch(*name, &b->names, compare_names);
	if (!found)
		return -ENOMEM;
	if (*found != *name)
		return 0;
	(*list)[(*n)++] = TAKE_PTR(*name);
	return 1;
}

int plan_mask(struct building *b, const char *by, const char *kind, const char *unit)
{
	_cleanup_free_ char *link = NULL;
	int err;

	/* systemd could hardly make a link in a directory with such a name either. */
	if (strlen(by) + 1 + strlen(kind) > UNIT_LINK_DIR_BYTES_MAX)
		return 0;
	err = text_format(&link, "%s.%s/%s", by, kind, unit);
	return err < 0 ? err : plan_take_name(b, &link, &b->plan.masks, &b->plan.n_masks);
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
static int mask_pull_of(struct building *b, const struct fstab_entry *e, bool required,
			const char *target)
{
	bool automount = fstab_is_automount(e), nofail = fstab_has_option(e->options, "nofail");
	bool local = strcmp(target, LOCAL_FS) == 0;
	_cleanup_free_ char *unit = NULL;
	int err;

	if (fstab_has_option(e->options, "x-systemd.required-by"))
		nofail = false;
	if (!automount && (nofail || (required && local)))
		return 0; /* the same link as ours, or one that does no harm */
	err = unit_name_from_path(e->dir, automount ? ".automount" : ".mount", &unit);
	if (err < 0)
		return is_failure(err) ? err : 0;
	return plan_mask(b, target, nofail ? "wants" : "requires", unit);
}

/*
 * systemd knows fewer types that need the network, and each version others (fstype_is_network() in its
 * mountpoint-util.c). What it does not know is of the local file systems.
 */
static int mask_pull(struct building *b, const struct fstab_entry *e, bool required)
{
	int err = fstab_is_network(e) ? mask_pull_of(b, e, required, REMOTE_FS) : 0;

	return err < 0 ? err : mask_pull_of(b, e, required, LOCAL_FS);
}

/* It would fail: on the overlay, or since the file system is read-only. */
static int mask_growfs(struct building *b, const char *path)
{
	_cleanup_free_ char *mount_unit = NULL, *growfs = NULL;
	int err;

	err = unit_name_from_path(path, ".mount", &mount_unit);
	if (err >= 0)
		err = unit_name_instance("systemd-growfs", path, &growfs);
	if (err < 0)
		return is_failure(err) ? err : 0;
	err = plan_mask(b, mount_unit, "wants", growfs);
	if (err < 0 || strcmp(path, "/") != 0)
		return err;
	/* The name for the root of newer versions. */
	return plan_mask(b, mount_unit, "wants", "systemd-growfs-root.service");
}

/* Those for the root are no instances. */
static int mask_root_quota(struct building *b)
{
	int err = plan_mask(b, LOCAL_FS, "wants", "quotaon-root.service");

	return err < 0 ? err : plan_mask(b, LOCAL_FS, "wants", "systemd-quotacheck-root.service");
}

/*
 * They would fail: an overlay has no quota, and what is read-only cannot be counted. systemd-fstab-generator
 * makes these links since version 255; before that, the options of the mount unit pull in quotaon.service,
 * and ours has none of them.
 */
static int mask_quota(struct building *b, const char *path)
{
	static const char *const names[] = { "quotaon", "systemd-quotacheck" };
	_cleanup_free_ char *mount_unit = NULL;
	int err;

	if (strcmp(path, "/") == 0)
		return mask_root_quota(b);
	err = unit_name_from_path(path, ".mount", &mount_unit);
	for (size_t i = 0; i < ELEMENTSOF(names) && err >= 0; i++) {
		_cleanup_free_ char *unit = NULL;

		err = unit_name_instance(names[i], path, &unit);
		if (err >= 0)
			err = plan_mask(b, mount_unit, "wants", unit);
	}
	return is_failure(err) ? err : 0;
}

/* Is a unit of ours mounted on @path? Then *ret_required says whether the boot depends on it. */
static bool is_ours(const struct plan *p, const char *path, bool *ret_required)
{
	const struct plan_overlay *o = plan_find_overlay(p, path);
	const struct plan_persist *persist = o ? NULL : plan_find_persist(p, path);

	if (o)
		*ret_required = plan_overlay_is_required(o);
	if (persist)
		*ret_required = plan_persist_is_required(persist);
	return o || persist;
}

/* The partition of a persist may have quota of its own, which is switched on by the name of the path. */
static bool has_own_quota(const struct plan *p, const char *path)
{
	const struct plan_persist *persist = plan_find_persist(p, path);

	return persist && quota_has_options(p->partitions[persist->partition].conf->options);
}

static int mask_entry(struct building *b, const struct fstab_entry *e)
{
	bool required = false, ours = is_ours(&b->plan, e->dir, &required);
	bool read_only = b->plan.n_remounts > 0 && fstab_is_kept_read_only(e);
	int err = 0;

	if (ours)
		err = mask_pull(b, e, required);
	if (err >= 0 && (ours || read_only) && fstab_has_option(e->options, "x-systemd.growfs"))
		err = mask_growfs(b, e->dir);
	if (err >= 0 && (ours || read_only) && quota_has_options(e->options) &&
	    !has_own_quota(&b->plan, e->dir))
		err = mask_quota(b, e->dir);
	return err;
}

/* Where systemd-gpt-auto-generator mounts partitions that it finds by their type, and grows them. */
static int mask_found(struct building *b)
{
	static const char *const paths[] = { "/home", "/srv", "/var", "/var/tmp" };

	for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
		const struct fstab_entry found = { .spec = (char *)"",
						   .dir = (char *)paths[i],
						   .type = (char *)"",
						   .options = (char *)"" };
		bool required = false;
		int err;

		if (!is_ours(&b->plan, paths[i], &required))
			continue;
		err = mask_pull(b, &found, required);
		if (err >= 0)
			err = mask_growfs(b, paths[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

/* No section is left out because of these. */
static void warn_masked(struct building *b)
{
	static const char unwatched[] = "nothing warns before a pool is full";

	plan_warn_masked(b, "rofs-verify.service", "nothing verifies that rofs.conf is in force");
	plan_warn_masked(b, "rofs-watch.service", unwatched);
	plan_warn_masked(b, "rofs-watch.timer", unwatched);
	if (b->plan.early_mounts != NO_INDEX)
		plan_warn_masked(b, "rofs-prepare-retry.service",
				 "layers that could not be made are not tried again");
	if (b->plan.n_remounts > 0)
		plan_warn_masked(b, "systemd-remount-fs.service",
				 "/ stays as the kernel or the initramfs has mounted it");
}

int plan_masks(struct building *b)
{
	const struct facts *f = b->plan.facts;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];
		int err;

		if (!fstab_is_sound(e) || e->dir[0] != '/' || fstab_is_swap(e))
			continue;
		err = mask_entry(b, e);
		if (err < 0)
			return err;
	}
	warn_masked(b);
	return mask_found(b);
}
