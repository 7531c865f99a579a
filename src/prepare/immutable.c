/* SPDX-License-Identifier: MIT */
/* A separate file: before glibc 2.36, <linux/fs.h> and <sys/mount.h> conflict. */
#include "prepare/immutable.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "basic/macro.h"

int immutable_set(int dir_fd, const char *name, bool on)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -errno;
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}
