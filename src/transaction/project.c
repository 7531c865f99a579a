/* SPDX-License-Identifier: MIT */
#include "transaction/project.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/copy-tree.h"
#include "layer/walk.h"
#include "transaction/place.h"

#define OWN_DIR "project"

int project_of(int dir_fd, uint32_t *ret)
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, ".");
	struct fsxattr x;

	if (fd < 0)
		return fd;
	/* A file system that has none says so in many ways. */
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0 || !(x.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return 0;
	*ret = x.fsx_projid;
	return 1;
}

static int set(int fd, uint32_t project, uint32_t flags)
{
	struct fsxattr x;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return -errno;
	x.fsx_projid = project;
	x.fsx_xflags |= flags;
	return ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? -errno : 0;
}

static int set_file(struct walk *w, const char *name, const struct stat *st)
{
	_cleanup_close_ int fd = -1;

	if (!S_ISREG(st->st_mode))
		return 0;
	fd = openat(w->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : set(fd, *(const uint32_t *)w->data, 0);
}

static int set_directory(struct walk *w)
{
	return set(w->fd, *(const uint32_t *)w->data, FS_XFLAG_PROJINHERIT);
}

static int remake_in(int own_fd, int dir_fd, const char *name, uint32_t project)
{
	_cleanup_free_ char *where = NULL;
	struct failure f;
	int err = set(own_fd, project, FS_XFLAG_PROJINHERIT);

	if (err >= 0)
		err = copy_tree(dir_fd, name, own_fd, OWN_DIR, own_fd, &f, &where);
	if (err < 0)
		return err;
	return renameat(own_fd, OWN_DIR, dir_fd, name) < 0 ? -errno : 0;
}

int project_remake(int dir_fd, const char *name, int spare_fd, uint32_t project)
{
	_cleanup_close_ int own_fd = make_dir_at(spare_fd, OWN_DIR, 0700);
	struct place_file dir;
	int err = own_fd < 0 ? own_fd : place_look(dir_fd, "", &dir);

	if (err >= 0)
		err = remake_in(own_fd, dir_fd, name, project);
	if (err >= 0)
		err = place_set_mtime(dir_fd, "", &dir.mtime);
	if (err >= 0)
		err = copy_tree_remove(spare_fd, OWN_DIR);
	return err;
}

int project_set(int dir_fd, const char *name, uint32_t project)
{
	static const struct walk_ops ops = { .file = set_file, .leave = set_directory };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, &project);

	return walk_all(&w, dir_fd, name);
}
