/* SPDX-License-Identifier: MIT */
/* Other mounts of the file system of /: while one is writable, all of it is written to. */
#include <string.h>
#include <sys/stat.h>

#include "basic/text.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "plan/mount-flags.h"
#include "plan/subvolume.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"

/* What / is mounted from: fstab says it, or else the kernel command line. */
struct root {
	char *device; /* /dev/disk/by-uuid/..., NULL: not known; owned */
	const char *options;
	bool is_btrfs;
};

static void root_done(struct root *r)
{
	free(r->device);
}

static int find_root(const struct checking *c, const struct fstab_entry *e, struct root *ret)
{
	_cleanup_free_ char *spec = NULL;
	int err = 0;

	ret->options = e ? e->options : "";
	ret->is_btrfs = e && subvolume_is_btrfs(e);
	if (e && e->spec[0]) {
		err = unit_name_device_path(e->spec, &ret->device);
	} else {
		err = boot_value(c->l->cmdline, "root=", &spec);
		if (err >= 0 && spec)
			err = unit_name_device_path(spec, &ret->device);
	}
	return err == -EINVAL ? 0 : err;
}

/* Is this entry what is mounted there, and not a section, which keeps it read-only or unmounted? */
static bool is_left_to_fstab(const struct plan *p, const struct fstab_entry *e)
{
	return !fstab_is_kept_read_only(e) && !plan_find_overlay(p, e->dir) &&
	       !plan_find_persist(p, e->dir);
}

static int check_entry(struct checking *c, const struct root *root, const struct fstab_entry *e)
{
	_cleanup_free_ char *path = NULL, *overlay = NULL;
	int err;

	if ((!root->is_btrfs && !subvolume_is_btrfs(e)) ||
	    (mount_flags(e->options) & MOUNT_READ_ONLY) || !is_left_to_fstab(&c->l->plan, e))
		return 0;
	err = unit_name_device_path(e->spec, &path);
	if (err < 0)
		return err == -EINVAL ? 0 : err;
	if (!check_is_device(c, path, root->device))
		return 0;
	/* Names only the cures that would work. */
	if (!fstab_is_initrd(e) && conf_is_layer_path(e->dir))
		err = text_format(&overlay, ", or an [Overlay %s]", e->dir);
	if (err >= 0)
		check_add(c, PROBLEM_ROOT_SUBVOLUME_WRITABLE, NULL, fstab_pos(e),
			  "%s mounts %s writable, and it is a subvolume of the file system of "
			  "/, which is then written to: rofs status says partial; expected ro "
			  "here%s",
			  fstab_origin(e), e->dir, overlay ? overlay : "");
	return err;
}

/* Its device, by a name or as what / is on; but all subvolumes of a btrfs have numbers of their own. */
static bool is_root_device(const struct checking *c, const struct root *root, const char *path)
{
	struct stat st, slash;

	if (root->device && check_is_device(c, path, root->device))
		return true;
	return c->running && stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
	       stat("/", &slash) == 0 && slash.st_dev == st.st_rdev;
}

static int check_partition(struct checking *c, const struct root *root,
			   const struct plan_partition *q)
{
	const struct conf_section *s;
	int shown;

	if (!q->conf || !is_root_device(c, root, q->device_path))
		return 0;
	s = &q->conf->section;
	shown = subvolume_compare(root->options, q->conf->options);
	if (shown < 0)
		return shown;
	if (shown == SUBVOLUMES_SAME || !root->is_btrfs)
		check_add(c, PROBLEM_DEVICE_IS_ROOT, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: %s holds the root file system, which must not be "
			  "written to; expected a separate partition",
			  s->name, q->conf->device);
	else if (c->l->plan.n_remounts > 0 && !(mount_flags(q->conf->options) & MOUNT_READ_ONLY))
		check_add(c, PROBLEM_ROOT_SUBVOLUME_WRITABLE, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: %s is a subvolume of the file system of /, which is "
			  "then written to, and rofs status reports partial; expected a separate "
			  "partition",
			  s->name, q->conf->device);
	return 0;
}

int check_subvolumes(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	const struct fstab_index *x = &c->all_mounts;
	_cleanup_(root_done) struct root root = { 0 };
	int err = find_root(c, c->mounts.root, &root);

	for (size_t i = 0; i < p->n_partitions && err >= 0; i++)
		err = check_partition(c, &root, &p->partitions[i]);
	if (p->n_remounts == 0 || !root.device)
		return err;
	for (size_t i = 0; i < x->n && err >= 0; i++)
		err = check_entry(c, &root, x->entries[i]);
	return err;
}
