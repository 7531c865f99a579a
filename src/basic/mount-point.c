/* SPDX-License-Identifier: MIT */
#include "basic/mount-point.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* linux/stat.h since 5.8 */
#endif

static int is_on_another_device(int dir_fd, const char *path)
{
	char parent[PATH_MAX];
	struct stat here, above;
	char *slash;

	if (strlen(path) >= sizeof(parent))
		return -ENAMETOOLONG;
	strcpy(parent, path);
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	if (fstatat(dir_fd, path, &here, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(dir_fd, slash ? parent : ".", &above, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return here.st_dev != above.st_dev;
}

/* The device number alone does not tell: each subvolume of btrfs has one of its own. */
int mount_point_look(int dir_fd, const char *path)
{
	struct statx sx;

	if (dir_fd != AT_FDCWD)
		path += strspn(path, "/");
	if (statx(dir_fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &sx) < 0)
		return errno == ENOSYS ? is_on_another_device(dir_fd, path) : -errno;
	if (!(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return is_on_another_device(dir_fd, path);
	return (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int mount_point_exists(int dir_fd, const char *path)
{
	int mounted = mount_point_look(dir_fd, path);

	return mounted == -ENOENT || mounted == -ENOTDIR ? 0 : mounted;
}

bool mount_point_at(int dir_fd, const char *path)
{
	return mount_point_look(dir_fd, path) > 0;
}
