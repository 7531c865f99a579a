/* SPDX-License-Identifier: MIT */
#include "transaction/write-protected.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "basic/macro.h"
#include "system/block-device.h"
#include "system/root-devices.h"

/* Its number is not that of a device. */
static int add_btrfs(int root_fd, int fd, struct block_devices *l)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char uuid[64], *p = uuid;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(info.fsid); i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     info.fsid[i]);
	return block_devices_add_btrfs(root_fd, uuid, l);
}

/* Returns: 1, 0 or -errno. */
static int is_btrfs(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	/* Signed, and on 32-bit systems as wide as the number. */
	return (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC;
}

/* For ioctl(2), which takes no O_PATH. */
static int reopen(int fd)
{
	int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return opened < 0 ? -errno : opened;
}

static int add_devices(int root_fd, int fd, dev_t dev, struct block_devices *l)
{
	_cleanup_close_ int top_fd = -1;
	int btrfs = is_btrfs(fd);

	if (btrfs <= 0)
		return btrfs < 0 ? btrfs : block_devices_add(root_fd, dev, l);
	top_fd = reopen(fd);
	return top_fd < 0 ? top_fd : add_btrfs(root_fd, top_fd, l);
}

/* Since 5.11, a partition of a read-only disk is read-only, too. Returns: 1, 0 or -errno. */
static int is_ours(int root_fd, const struct root_devices *ours, dev_t device)
{
	const struct root_device *d = root_devices_find(ours, major(device), minor(device));
	dev_t disk;
	int err = d ? 0 : block_device_disk(root_fd, device, &disk);

	if (err < 0)
		return err;
	if (!d)
		d = root_devices_find(ours, major(disk), minor(disk));
	return d && d->fate == ROOT_DEVICE_SET;
}

/* Returns: 1, 0 (also if the number is that of a file system, not of a device) or -errno. */
static int is_protected(int root_fd, const struct root_devices *ours, dev_t device)
{
	int writable = block_device_is_writable(root_fd, device), own;

	if (writable == -ENOENT)
		return 0;
	if (writable != 0)
		return writable < 0 ? writable : 0;
	own = is_ours(root_fd, ours, device);
	return own < 0 ? own : !own;
}

static int describe(int root_fd, dev_t device, char **ret_name)
{
	int verity = block_device_is_verity(root_fd, device), err;

	if (verity < 0)
		return verity;
	err = block_device_path(root_fd, device, ret_name);
	return err < 0 ? err : verity ? WRITE_PROTECTED_VERITY : WRITE_PROTECTED_DEVICE;
}

int write_protected(int root_fd, int fd, dev_t dev, char **ret_name)
{
	_cleanup_block_devices_ struct block_devices devices = { 0 };
	_cleanup_root_devices_ struct root_devices ours = { 0 };
	int err = root_devices_read(root_fd, &ours);

	if (err >= 0)
		err = add_devices(root_fd, fd, dev, &devices);
	for (size_t i = 0; i < devices.n && err >= 0; i++) {
		err = is_protected(root_fd, &ours, devices.list[i]);
		if (err > 0)
			return describe(root_fd, devices.list[i], ret_name);
	}
	return err < 0 ? err : WRITE_PROTECTED_NOT;
}

/*
 * Of i386, the structure has less padding than that of a 64-bit kernel, which then has another number for the call.
 * The flags are at the same place.
 */
union subvolume {
	struct btrfs_ioctl_get_subvol_info_args info;
	char of_64_bits[504];
};
#define GET_SUBVOL_INFO_64 _IOR(BTRFS_IOCTL_MAGIC, 60, char[sizeof(union subvolume)])

int write_protected_subvolume(int fd)
{
	union subvolume subvolume = { 0 };
	_cleanup_close_ int root_fd = -1;
	int btrfs = is_btrfs(fd);

	if (btrfs <= 0)
		return btrfs;
	root_fd = reopen(fd);
	if (root_fd < 0)
		return root_fd;
	if (ioctl(root_fd, BTRFS_IOC_GET_SUBVOL_INFO, &subvolume.info) < 0 &&
	    (errno != ENOTTY || ioctl(root_fd, GET_SUBVOL_INFO_64, &subvolume) < 0))
		return -errno;
	return (subvolume.info.flags & 1u) != 0; /* BTRFS_ROOT_SUBVOL_RDONLY, linux/btrfs_tree.h */
}
