/* SPDX-License-Identifier: MIT */
#include "system/device-users.h"

#include <libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "basic/file-system.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "system/block-device.h"
#include "system/observe-device.h"

void device_users_done(struct device_users *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].what);
	free(l->list);
	*l = (struct device_users){ 0 };
}

static int add(struct device_users *l, dev_t device, const char *what)
{
	char *copy = strdup(what);

	if (!copy || array_reserve(l->list, l->n) < 0) {
		free(copy);
		return -ENOMEM;
	}
	l->list[l->n++] = (struct device_user){ .device = device, .what = copy };
	return 0;
}

/* Returns: 0 if there is no such device. */
static dev_t number_of(const char *path)
{
	unsigned major, minor;

	return observe_number(path, &major, &minor) ? makedev(major, minor) : 0;
}

/*
 * libmount looks at the devices themselves where udev has made no link yet: the partitions of the disk
 * that / is on are there before udev is.
 */
static dev_t find_device(const char *spec)
{
	char *path = mnt_resolve_spec(spec, NULL);
	dev_t device = path ? number_of(path) : 0;

	free(path);
	return device;
}

static bool is_lower(const struct plan *p, const struct fstab_entry *e)
{
	for (size_t i = 0; i < p->n_lowers; i++)
		if (p->lowers[i].entry == e)
			return !p->lowers[i].bind;
	return false;
}

static bool is_read_only(const struct plan *p, const struct fstab_entry *e)
{
	return (fstab_has_option(e->options, "ro") && fstab_is_before_local_fs(e)) ||
	       file_system_by_name(e->type)->read_only || is_lower(p, e) ||
	       (p->n_remounts > 0 && fstab_is_kept_read_only(e));
}

static int add_line(struct device_users *l, const struct plan *p, const struct fstab_entry *e)
{
	bool swap = fstab_is_swap(e);

	if (e->overridden || !fstab_is_of_device(e) || (swap ? p->no_swap : is_read_only(p, e)))
		return 0;
	return add(l, find_device(e->spec), swap ? e->spec : e->dir);
}

static int add_partition(struct device_users *l, const struct plan_partition *q)
{
	_cleanup_free_ char *what = NULL;
	int err = text_format(&what, "[Partition %s]", q->conf->section.name);

	return err < 0 ? err : add(l, find_device(q->conf->device), what);
}

static int add_mounted(struct device_users *l, const struct observed *s)
{
	int err = 0;

	for (size_t i = 0; i < s->n_mounts && err >= 0; i++) {
		const struct observed_mount *m = &s->mounts[i];

		if (m->device_major != 0 && !m->fs_read_only)
			err = add(l, makedev(m->device_major, m->device_minor), m->target);
	}
	for (size_t i = 0; i < s->n_swaps && err >= 0; i++) {
		dev_t swap = number_of(s->swaps[i]);

		if (swap) /* no file */
			err = add(l, swap, s->swaps[i]);
	}
	return err;
}

int device_users_find(const struct plan *p, const struct observed *s, struct device_users *ret)
{
	struct device_users l = { 0 };
	int err = 0;

	for (size_t i = 0; i < p->n_partitions && err >= 0; i++)
		if (p->partitions[i].conf)
			err = add_partition(&l, &p->partitions[i]);
	for (size_t i = 0; i < p->facts->n_fstab && err >= 0; i++)
		err = add_line(&l, p, &p->facts->fstab[i]);
	if (err >= 0 && s)
		err = add_mounted(&l, s);
	if (err < 0)
		device_users_done(&l);
	else
		*ret = l;
	return err;
}

/*
 * A device that does not exist yet may be made from what / is on, as another volume of its group. The
 * partitions of a disk exist from the start.
 */
static int may_come_from(int root_fd, const struct block_devices *root, dev_t device)
{
	dev_t disk;
	int err = block_device_disk(root_fd, root->list[0], &disk);

	return err < 0 ? err : device != root->list[0] && root->n > (disk ? 2 : 1);
}

/* Does @user need @device? Returns: 1, 0 or -errno. */
static int needs(int root_fd, const struct device_user *user, const struct block_devices *root,
		 dev_t device)
{
	_cleanup_block_devices_ struct block_devices of_user = { 0 };
	int err;

	if (user->device == 0)
		return may_come_from(root_fd, root, device);
	err = block_devices_add(root_fd, user->device, &of_user);
	return err < 0 ? err : block_devices_have(&of_user, device);
}

/* Returns: 1 if one of them needs the device, which @ret then names; 0, or -errno. */
static int find_user(int root_fd, const struct device_users *users,
		     const struct block_devices *root, dev_t device, char **ret)
{
	int found = 0;

	for (size_t i = 0; i < users->n && found == 0; i++) {
		found = needs(root_fd, &users->list[i], root, device);
		if (found > 0)
			*ret = users->list[i].what;
	}
	return found;
}

static int decide_one(int root_fd, const struct block_devices *root, dev_t device,
		      const struct device_users *users, struct root_devices *ret)
{
	struct root_device d = { .major = major(device), .minor = minor(device) };
	_cleanup_free_ char *name = NULL;
	int err = block_device_path(root_fd, device, &name), writable, used;

	/* The number is that of a file system, or the device has no node. */
	if (err == -ENOENT || err == -ENODATA)
		return 0;
	writable = err < 0 ? err : block_device_is_writable(root_fd, device);
	used = writable > 0 ? find_user(root_fd, users, root, device, &d.needed_by) : writable;
	if (used < 0)
		return used;

	snprintf(d.name, sizeof(d.name), "%s", name);
	d.writable = writable;
	d.fate = used ? ROOT_DEVICE_LEFT : writable ? ROOT_DEVICE_SET : ROOT_DEVICE_FOUND;
	return root_devices_add(ret, &d);
}

int root_devices_decide(int root_fd, const struct observed_mount *root,
			const struct device_users *users, struct root_devices *ret)
{
	_cleanup_block_devices_ struct block_devices below = { 0 };
	struct root_devices l = { 0 };
	int err = 0;

	if (root && root->device_major != 0)
		err = block_devices_add(root_fd, makedev(root->device_major, root->device_minor),
					&below);
	for (size_t i = 0; i < below.n && err >= 0; i++)
		err = decide_one(root_fd, &below, below.list[i], users, &l);
	if (err < 0)
		root_devices_done(&l);
	else
		*ret = l;
	return err;
}
