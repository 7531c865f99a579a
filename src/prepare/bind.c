/* SPDX-License-Identifier: MIT */
#include "prepare/bind.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "prepare/machine-id.h"
#include "prepare/mount-once.h"
#include "prepare/told.h"
#include "unit/options.h"

/*
 * The path may be in a file system that users can write to: it is walked once, through no link, and
 * the mount is made on what that has found. systemd, which tries again, refuses a path with a link
 * itself (unit_fail_if_noncanonical() in its unit.c, 247 and later).
 */
static int bind_beneath(int root_fd, const char *what, const struct plan_overlay *o)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	const char *name;
	int mounted;

	dir_fd = open_parent_beneath(root_fd, o->path, &name);
	if (dir_fd < 0)
		return dir_fd;
	mounted = mount_point_look(dir_fd, name);
	if (mounted != 0)
		return mounted < 0 ? mounted : 0;
	fd = open_beneath(dir_fd, name, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	return mount(what, fd_name(fd).path, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

/* Returns: 0, or -errno after logging it. */
static int bind_or_leave(const char *what, const struct plan_overlay *o)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = root_fd < 0 ? -errno : bind_beneath(root_fd, what, o);

	if (err >= 0)
		return err;
	err = tell_link(o->path, root_fd, o->path, err);
	return err == TOLD ? err : mount_leave_to_unit(o->path, err);
}

/* PID 1's mount on /etc/machine-id is removed when the overlay, which has the ID, covers it. */
static int bind_etc(const char *what, const struct plan_overlay *o)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), held = -1;
	int err;

	if (mount_point_at(AT_FDCWD, "/etc"))
		return 0;
	held = root_fd < 0 ? -errno : machine_id_hold(root_fd);
	if (held < 0 && held != -ENOENT)
		return mount_leave_to_unit("/etc", held);
	err = bind_or_leave(what, o);
	if (err < 0 || held < 0)
		return err;
	return machine_id_release(TAKE_FD(held));
}

int bind_read_only(const struct plan_overlay *o)
{
	_cleanup_free_ char *options = NULL;
	int err = options_plain(o, "rbind", &options);

	if (err >= 0)
		err = mount_once(o->path, o->path, NULL, options);

	/* Shared again, as all mounts are, but not with /: persists would show up there as well. */
	if (err >= 0 && mount(NULL, o->path, NULL, MS_SHARED, NULL) < 0)
		err = -errno;
	return err < 0 ? mount_leave_to_unit(o->path, err) : 0;
}

int bind_to_path(const char *what, const struct plan_overlay *o)
{
	if (strcmp(o->path, "/etc") == 0)
		return bind_etc(what, o);
	return bind_or_leave(what, o);
}
