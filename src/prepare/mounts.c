/* SPDX-License-Identifier: MIT */
#include "prepare/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "prepare/bind.h"
#include "prepare/mount-error.h"
#include "prepare/mount-once.h"
#include "unit/options.h"

static int mount_pool(const struct plan_pool *pool)
{
	_cleanup_free_ char *options = NULL;
	int err;

	if (!pool->early)
		return 0;
	err = options_pool(pool, &options);
	if (err < 0)
		return mount_leave_to_unit(pool->dir, err);
	err = make_mount_point(pool->dir);
	return err < 0 ? err : mount_or_leave("rofs", pool->dir, "tmpfs", options);
}

/* What has its mount point in the shared pool. */
static int mount_in_pool(const struct plan *p)
{
	int err = make_mount_point("/rofs/ro");

	if (err >= 0)
		err = mount_or_leave("/", "/rofs/ro", NULL, OPTIONS_RO);
	for (size_t i = 1; i < p->n_pools; i++) {
		int failed = mount_pool(&p->pools[i]);

		err = err < 0 ? err : failed;
	}
	return err;
}

int mounts_pools(const struct plan *p)
{
	int err = mount_pool(&p->pools[0]), failed;

	if (err >= 0)
		err = mount_in_pool(p);
	failed = p->tmp ? mount_or_leave("tmpfs", "/tmp", "tmpfs", OPTIONS_TMP) : 0;
	return err < 0 ? err : failed;
}

/* @options: as options_merged() gives them */
static int mount_merged(const struct plan_overlay *o, const char *where, const char *options,
			int lower_fd)
{
	_cleanup_close_ int fd = -1;

	if (o->lower_is_live) {
		fd = dup3(lower_fd, OPTIONS_LOWER_FD, O_CLOEXEC);
		if (fd < 0)
			return -errno;
	}
	return mount_once("rofs", where, "overlay", options);
}

bool mounts_is_refused(int err)
{
	return err == -ENODEV || err == -EINVAL;
}

int mounts_merged_in(const struct plan *p, const struct plan_overlay *o, const struct layers *l,
		     int lower_fd)
{
	_cleanup_free_ char *options = NULL;
	int err = options_merged(p, o, l->dir, &options);

	if (err < 0)
		return mount_leave_to_unit(l->merged, err);
	err = make_mount_point(l->merged);
	if (err < 0)
		return err;

	err = mount_merged(o, l->merged, options, lower_fd);
	if (err >= 0 || err == -ENODEV)
		return err;
	return mount_error_explain(o, l->dir, err);
}

int mounts_merged(const struct plan *p, const struct plan_overlay *o, int lower_fd)
{
	struct layers l = layers_declared(o);

	return mounts_merged_in(p, o, &l, lower_fd);
}

/*
 * A guard that an earlier run has put up while the overlay was missing would stay below it, out of
 * reach for good. The path is empty and read-only as before when the overlay is in place.
 */
static void lift_guards(const struct plan *p, const struct plan_overlay *o)
{
	if (mount_point_at(AT_FDCWD, o->path))
		return;
	for (size_t i = 0; i < p->n_persists; i++) {
		const char *path = p->persists[i].path;
		struct statfs fs;

		if (path_is_at_or_below(path, o->path) && mount_point_at(AT_FDCWD, path) &&
		    statfs(path, &fs) == 0 && fs.f_type == AUTOFS_SUPER_MAGIC)
			umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
}

int mounts_bind(const struct plan *p, const struct plan_overlay *o)
{
	int mounted = mount_point_look(AT_FDCWD, o->merged);

	if (mounted < 0 && mounted != -ENOENT)
		return mount_leave_to_unit(o->path, mounted);
	if (mounted <= 0)
		return 0;
	lift_guards(p, o);
	return bind_to_path(o->merged, o);
}
