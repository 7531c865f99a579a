/* SPDX-License-Identifier: MIT */
#include "prepare/fallback.h"

#include <fcntl.h>
#include <string.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "prepare/bind.h"
#include "prepare/guard.h"
#include "prepare/layer.h"
#include "prepare/mount-once.h"
#include "prepare/mounts.h"
#include "prepare/told.h"
#include "unit/options.h"

static int mount_or_log(const char *what, const char *where, const char *options)
{
	int err = mount_once(what, where, NULL, options);

	return err < 0 ? log_error(err, "cannot mount %s: %s", where, strerror(-err)) : 0;
}

/* By a descriptor: a file system of fstab may have a link on the way to it. */
int mounts_lower(int root_fd, const struct plan_overlay *o, const char *where)
{
	_cleanup_close_ int fd = open_beneath(root_fd, o->lower, O_PATH | O_DIRECTORY);
	_cleanup_free_ char *options = NULL;
	int err;

	if (fd < 0)
		return tell(tell_link(o->path, root_fd, o->lower, fd),
			    "%s: cannot open the lower %s: %s", o->path, o->lower, strerror(-fd));
	err = options_plain(o, "bind", &options);
	if (err < 0)
		return mount_leave_to_unit(where, err);
	return mount_or_log(fd_name(fd).path, where, options);
}

/*
 * The same overlay, with its changes in the shared pool; without overlayfs, or if the kernel refuses the
 * lower, that, read-only.
 */
static int mount_volatile(int root_fd, const struct plan *p, const struct plan_overlay *o,
			  const char *where)
{
	_cleanup_close_ int lower_fd = -1;
	_cleanup_free_ char *dir = NULL;
	struct layers in_ram = { .merged = where, .kept = false };
	int err = text_format(&dir, PLAN_RAM_LAYERS_DIR "%s", o->path), left_out;

	if (err < 0)
		return mount_leave_to_unit(where, err);
	in_ram.dir = dir;
	left_out = layer_prepare_in(root_fd, p, o, &in_ram, &lower_fd);
	if (left_out < 0)
		return left_out;
	err = mounts_merged_in(p, o, &in_ram, lower_fd);
	if (!mounts_is_refused(err))
		return err < 0 ? err : left_out;
	if (err == -ENODEV)
		log_error(err, "this kernel has no overlayfs: %s stays read-only", o->path);
	left_out = mounts_lower(root_fd, o, where);
	return left_out < 0 || err == -ENODEV ? left_out : 1;
}

static int mount_for_path(int root_fd, const struct plan *p, const struct plan_overlay *o,
			  const char *where)
{
	if (mount_point_at(AT_FDCWD, o->merged))
		return mount_or_log(o->merged, where, OPTIONS_BIND ",private");
	if (o->conf->if_missing == IF_MISSING_VOLATILE)
		return mount_volatile(root_fd, p, o, where);
	return mounts_lower(root_fd, o, where);
}

int mounts_fallback(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	const char *where = p->runs[o->fallback].dir;
	int err = make_mount_point(where), left_out;

	if (err < 0)
		return err;
	left_out = mount_for_path(root_fd, p, o, where);
	if (left_out < 0)
		return left_out;
	if (guard_overlay(p, o, where, NULL) < 0)
		left_out = 1;
	err = bind_to_path(where, o);
	return err < 0 ? err : left_out;
}
