/* SPDX-License-Identifier: MIT */
#include "prepare/prepared.h"

#include <fcntl.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "plan/plan.h"

int prepared_clear(int root_fd, const char *unit)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, PLAN_PREPARED_DIR, 0755);

	if (dir_fd < 0)
		return dir_fd;
	return unlinkat(dir_fd, unit, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int prepared_mark(int root_fd, const char *unit)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, PLAN_PREPARED_DIR, 0755), fd = -1;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, unit, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}
