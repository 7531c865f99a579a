/* SPDX-License-Identifier: MIT */
#include "prepare/maintenance.h"

#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "system/boot-marks.h"
#include "system/log.h"

static int mark_this_boot(int root_fd)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, "run/rofs", 0755), fd = -1;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, BOOT_MARK_MAINTENANCE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	return fd < 0 ? -errno : 0;
}

/* On the medium, too, before anything else happens in this boot. */
static int remove_mark(int dir_fd)
{
	if (unlinkat(dir_fd, BOOT_MARK_MAINTENANCE, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int maintenance_end(const struct rootfs *r)
{
	_cleanup_close_ int dir_fd = boot_marks_open(r);
	int err;

	if (dir_fd == -ENOENT)
		return 0;
	if (dir_fd < 0)
		return log_error(dir_fd, "/rofs: %s", strerror(-dir_fd));
	err = mark_this_boot(r->root_fd);
	if (err < 0)
		return log_error(err, BOOT_MARK_IN_RUN ": %s", strerror(-err));
	err = remove_mark(dir_fd);
	if (err < 0)
		return log_error(
			err,
			"/rofs/" BOOT_MARK_MAINTENANCE
			" cannot be removed: %s; until it is, each boot is a maintenance boot",
			strerror(-err));
	return 0;
}
