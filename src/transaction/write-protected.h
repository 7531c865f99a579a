/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

enum write_protection {
	WRITE_PROTECTED_NOT,
	WRITE_PROTECTED_DEVICE,
	WRITE_PROTECTED_VERITY, /* for good: what was written could not be read */
};

/**
 * write_protected - is a device of this file system write-protected?
 * @root_fd: of the running system
 * @fd:       root of the file system
 * @dev:      its device number, of stat(2)
 * @ret_name: the path of that device, as "/dev/sda"; set if there is one; the caller frees it
 *
 * What BLKROGET would tell of the device, the disk that it is a partition of, and the devices that it
 * is made of (LVM, RAID, LUKS), from sysfs. btrfs may be on several. Not all file systems refuse to
 * become writable then, and the kernel lets the writes through when only BLKROSET was called. What rofs has made
 * read-only itself, by Device=read-only, does not count: a window makes it writable.
 *
 * Returns: an enum write_protection (WRITE_PROTECTED_NOT also if there is no device) or -errno.
 */
int write_protected(int root_fd, int fd, dev_t dev, char **ret_name);

/** write_protected_subvolume - has the subvolume of btrfs the property ro? Returns: 1, 0 or -errno. */
int write_protected_subvolume(int fd);
