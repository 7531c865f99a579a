/* SPDX-License-Identifier: MIT */
#include "prepare/pool.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "system/log.h"

int pool_is_mounted(int root_fd, const char *dir, bool in_ram)
{
	_cleanup_close_ int fd = open_dir_at(root_fd, dir);
	int mounted = mount_point_look(root_fd, dir);
	struct statfs fs;

	if (mounted < 0 && mounted != -ENOENT)
		return mounted;
	if (mounted <= 0 || fd == -ENOTDIR)
		return -ENODEV;
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return in_ram && fs.f_type != TMPFS_MAGIC ? -ENODEV : 0;
}

static int check(int root_fd, const char *path, const char *dir, bool in_ram)
{
	int err = pool_is_mounted(root_fd, dir, in_ram);

	if (err == -ENODEV)
		return log_error(err, "%s: %s is not mounted%s; nothing is created there", path,
				 dir, in_ram ? " as a RAM pool" : "");
	if (err < 0)
		return log_error(err, "%s: cannot check whether %s is mounted: %s", path, dir,
				 strerror(-err));
	return 0;
}

int pool_check_layers(int root_fd, const struct plan *p, const struct plan_overlay *o,
		      const struct layers *l)
{
	if (l->kept)
		return check(root_fd, o->path, p->partitions[o->partition].where, false);
	return check(root_fd, o->path, o->pool, true);
}

int pool_check_persist(int root_fd, const struct plan *p, const struct plan_persist *persist)
{
	return check(root_fd, persist->path, p->partitions[persist->partition].where, false);
}
