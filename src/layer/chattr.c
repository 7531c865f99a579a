/* SPDX-License-Identifier: MIT */
/* A separate file: before glibc 2.36, <linux/fs.h> and <sys/mount.h> conflict. */
#include "layer/chattr.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "basic/macro.h"

#define SETTABLE                                                                                 \
	((unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_NODUMP_FL | \
		    FS_DIRSYNC_FL))

static bool is_unsupported(int err)
{
	return err == ENOTTY || err == EOPNOTSUPP || err == EINVAL || err == ENOSYS;
}

unsigned chattr_read(int fd)
{
	/* The kernel writes an int, whatever its header says. */
	unsigned flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ? 0 : flags & SETTABLE;
}

int chattr_set(int fd, unsigned wanted)
{
	unsigned flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return is_unsupported(errno) ? 0 : -errno;
	if ((flags & SETTABLE) == (wanted & SETTABLE))
		return 0;
	flags = (flags & ~SETTABLE) | (wanted & SETTABLE);
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 && !is_unsupported(errno) ? -errno : 0;
}

int chattr_unlock(int fd, unsigned *ret)
{
	const unsigned locks = FS_IMMUTABLE_FL | FS_APPEND_FL;
	int err;

	*ret = chattr_read(fd);
	if (!(*ret & locks))
		return 0;
	err = chattr_set(fd, *ret & ~locks);
	return err < 0 ? err : 1;
}
