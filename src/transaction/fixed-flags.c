/* SPDX-License-Identifier: MIT */
/* A separate file: before glibc 2.36, <linux/fs.h> and <sys/mount.h> conflict. */
#include "transaction/fixed-flags.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "basic/macro.h"
#include "transaction/record.h"

static int change(int dir_fd, const char *name, int clear, int set)
{
	/* Devices, FIFOs and links have none: the file system would not have told of them. */
	_cleanup_close_ int fd = openat(dir_fd, *name ? name : ".",
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -errno;
	if (((flags & ~clear) | set) == flags)
		return 0;
	flags = (flags & ~clear) | set;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

int fixed_flags_clear(int dir_fd, const char *name)
{
	return change(dir_fd, name, FS_IMMUTABLE_FL | FS_APPEND_FL, 0);
}

int fixed_flags_set(int dir_fd, const char *name, unsigned flags)
{
	if (flags == 0)
		return 0;
	return change(dir_fd, name, 0,
		      (flags & RECORD_IMMUTABLE ? FS_IMMUTABLE_FL : 0) |
			      (flags & RECORD_APPEND ? FS_APPEND_FL : 0));
}
