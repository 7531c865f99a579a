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
static void bind_etc(const char *what)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int held = root_fd < 0 || mount_point_at(AT_FDCWD, "/etc") ? -ENOENT :
								     machine_id_hold(root_fd);

	mount_or_leave(what, "/etc", NULL, OPTIONS_BIND);
	if (held < 0)
		return;
	if (mount_point_at(AT_FDCWD, "/etc"))
		machine_id_release(held);
	else
		close(held);
}

void bind_read_only(const struct plan_overlay *o)
{
	_cleanup_free_ char *options = NULL;
	int err = options_plain(o, "rbind", &options);

	if (err >= 0)
		err = mount_once(o->path, o->path, NULL, options);

	/* Shared again, as all mounts are, but not with /: persists would show up there as well. */
	if (err >= 0 && mount(NULL, o->path, NULL, MS_SHARED, NULL) < 0)
		err = -errno;
	if (err < 0)
		mount_leave_to_unit(o->path, err);
}

void bind_to_path(const char *what, const char *path)
{
	if (strcmp(path, "/etc") == 0)
		bind_etc(what);
	else
		mount_or_leave(what, path, NULL, OPTIONS_BIND);
}
