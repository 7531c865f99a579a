/* SPDX-License-Identifier: MIT */
#include "prepare/bind.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/mount-point.h"
#include "prepare/machine-id.h"
#include "prepare/mount-once.h"
#include "unit/options.h"

/* PID 1's mount on /etc/machine-id is removed when the overlay, which has the ID, covers it. */
static int bind_etc(const char *what)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), held = -1;
	int err;

	if (mount_point_at(AT_FDCWD, "/etc"))
		return 0;
	held = root_fd < 0 ? -errno : machine_id_hold(root_fd);
	if (held < 0 && held != -ENOENT)
		return mount_leave_to_unit("/etc", held);
	err = mount_or_leave(what, "/etc", NULL, OPTIONS_BIND);
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

int bind_to_path(const char *what, const char *path)
{
	if (strcmp(path, "/etc") == 0)
		return bind_etc(what);
	return mount_or_leave(what, path, NULL, OPTIONS_BIND);
}
