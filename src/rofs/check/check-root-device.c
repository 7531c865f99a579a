/* SPDX-License-Identifier: MIT */
/* What Device=read-only in [Root] makes of the devices that / is on, in the next boot. */
#include <string.h>
#include <sys/sysmacros.h>

#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"
#include "system/block-device.h"
#include "system/device-users.h"
#include "system/observe-device.h"
#include "system/observe.h"

static struct pos pos_of_key(const struct checking *c)
{
	return conf_key_pos(&c->l->conf.root.section, "Device");
}

static void report_needed(struct checking *c, const struct root_devices *l)
{
	const struct root_device *own = &l->list[0];

	if (own->fate == ROOT_DEVICE_LEFT)
		check_add(
			c, PROBLEM_ROOT_DEVICE_NEEDED, NULL, pos_of_key(c),
			"Device=read-only cannot be applied to %s, which / is on, because %s needs "
			"it; move that to another device, or make it read-only",
			own->name, own->needed_by);
	for (size_t i = 1; i < l->n; i++)
		if (l->list[i].fate == ROOT_DEVICE_LEFT)
			check_add(
				c, PROBLEM_ROOT_DEVICE_SHARED, NULL, pos_of_key(c),
				"%s stays writable despite Device=read-only, because %s needs it: "
				"root can still overwrite / through it",
				l->list[i].name, l->list[i].needed_by);
}

/* All its devices are open for writing from the mount on, and the kernel asks only then. */
static void report_remount(struct checking *c, const struct observed_mount *root)
{
	if (root && strcmp(root->type, "btrfs") == 0)
		check_add(
			c, PROBLEM_ROOT_DEVICE_REMOUNT, NULL, pos_of_key(c),
			"/ is btrfs, which mount -o remount,rw makes writable all the same: "
			"Device=read-only only prevents writes to the device itself; ext4, xfs and "
			"f2fs refuse the remount");
}

/*
 * fstab does not say so of a mount unit: when the device becomes read-only, it may not be mounted yet.
 * Returns: 1, 0 or -errno.
 */
static int is_on_read_only(int root_fd, const struct root_devices *l, const char *spec)
{
	_cleanup_block_devices_ struct block_devices below = { 0 };
	_cleanup_free_ char *path = NULL;
	unsigned own_major, own_minor;
	int err;

	if (unit_name_device_path(spec, &path) < 0 || !observe_number(path, &own_major, &own_minor))
		return false;
	err = block_devices_add(root_fd, makedev(own_major, own_minor), &below);
	for (size_t i = 0; i < below.n && err >= 0; i++) {
		const struct root_device *d =
			root_devices_find(l, major(below.list[i]), minor(below.list[i]));

		if (d && d->fate != ROOT_DEVICE_LEFT)
			return true;
	}
	return err;
}

static bool is_known(const struct checking *c, const struct fstab_entry *e)
{
	const struct facts *f = &c->l->facts;

	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].dir, e->dir) == 0)
			return true;
	return false;
}

static int report_late(struct checking *c, int root_fd, const struct root_devices *l)
{
	for (size_t i = 0; i < c->all.n_fstab; i++) {
		const struct fstab_entry *e = &c->all.fstab[i];
		int late = e->file && !is_known(c, e) && !fstab_has_option(e->options, "ro") ?
				   is_on_read_only(root_fd, l, e->spec) :
				   0;

		if (late < 0)
			return late;
		if (late)
			check_add(
				c, PROBLEM_ROOT_DEVICE_LATE, NULL, fstab_pos(e),
				"%s mounts %s writable from a disk that Device=read-only in [Root] "
				"makes read-only; mount it in fstab instead, which rofs takes into "
				"account",
				fstab_origin(e), e->dir);
	}
	return 0;
}

int check_root_device(struct checking *c)
{
	_cleanup_root_devices_ struct root_devices l = { 0 };
	_cleanup_device_users_ struct device_users users = { 0 };
	_cleanup_observed_ struct observed observed = { 0 };
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT;
	const struct observed_mount *root;
	int err;

	if (!c->running || !c->l->plan.device_read_only)
		return 0;
	err = rootfs_open("/", &r);
	if (err >= 0)
		err = observe("/", &c->l->plan, &observed);
	if (err >= 0)
		err = device_users_find(&c->l->plan, NULL, &users);
	if (err < 0)
		return err;
	root = observed_at(&observed, "/");
	err = root_devices_decide(r.root_fd, root, &users, &l);
	if (err < 0)
		return err;
	if (l.n == 0)
		check_add(
			c, PROBLEM_ROOT_DEVICE_NONE, NULL, pos_of_key(c),
			"/ is on no block device, so Device=read-only cannot be applied; expected "
			"Device=leave");
	else
		report_needed(c, &l);
	report_remount(c, root);
	return report_late(c, r.root_fd, &l);
}
