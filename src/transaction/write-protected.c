/* SPDX-License-Identifier: MIT */
#include "transaction/write-protected.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "system/root-devices.h"

#define SYSFS_BLOCK "/sys/dev/block/%u:%u"
#define SYSFS_BTRFS "/sys/fs/btrfs"
/* Volumes on volumes: more are not made by people. */
#define DEPTH_MAX 8u

/* A directory of devices: the slaves of one, or those of btrfs. */
struct devices {
	int fd;
	unsigned depth;
	const struct root_devices *ours;
	char *name; /* of the protected one */
};

static bool has_flag(int dir_fd, const char *path)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c == '1';
}

static int look_at(int dir_fd, const char *name, const struct devices *from, char **ret_name);

static int look_at_next(void *data, const char *name)
{
	struct devices *d = data;
	int found = look_at(d->fd, name, d, &d->name);

	return found > 0 ? -EEXIST : found;
}

static int look_at_each(int fd, const struct devices *from, char **ret_name)
{
	struct devices d = { .fd = fd, .depth = from->depth + 1, .ours = from->ours };
	int err;

	if (fd < 0)
		return 0;
	err = each_name(fd, look_at_next, &d);
	*ret_name = d.name;
	return err == -EEXIST ? 1 : err;
}

static int look_at_slaves(int device_fd, const struct devices *from, char **ret_name)
{
	return from->depth < DEPTH_MAX ?
		       look_at_each(open_dir_at(device_fd, "slaves"), from, ret_name) :
		       0;
}

/* What Device=read-only has made of a device; NULL: nothing. @path: of its file dev in sysfs */
static const struct root_device *find_ours(int device_fd, const char *path,
					   const struct root_devices *ours)
{
	_cleanup_close_ int fd = openat(device_fd, path, O_RDONLY | O_CLOEXEC);
	unsigned major, minor;
	char line[32];
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n <= 0)
		return NULL;
	line[n] = '\0';
	return root_device_number(line, &major, &minor) ? root_devices_find(ours, major, minor) :
							  NULL;
}

static bool is_set(const struct root_device *d)
{
	return d && d->fate == ROOT_DEVICE_SET;
}

/* Since 5.11, the flag of a partition is also that of its disk; before, it does not know of the disk. */
static bool is_protected(int device_fd, const struct root_devices *ours)
{
	bool is_partition = faccessat(device_fd, "partition", F_OK, 0) == 0;
	const struct root_device *own = find_ours(device_fd, "dev", ours),
				 *disk = is_partition ? find_ours(device_fd, "../dev", ours) : NULL;

	if (has_flag(device_fd, "ro") && (own ? !is_set(own) : !is_set(disk)))
		return true;
	return is_partition && has_flag(device_fd, "../ro") && !is_set(disk);
}

/* The name is what the link in sysfs ends in. */
static int device_name(int dir_fd, const char *name, char **ret_name)
{
	char target[512];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	const char *slash;

	target[n < 0 ? 0 : n] = '\0';
	slash = strrchr(target, '/');
	*ret_name = strdup(slash ? slash + 1 : name);
	return *ret_name ? 1 : -ENOMEM;
}

/* @name: leads to the directory of a device in sysfs */
static int look_at(int dir_fd, const char *name, const struct devices *from, char **ret_name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (is_protected(fd, from->ours))
		return device_name(dir_fd, name, ret_name);
	return look_at_slaves(fd, from, ret_name);
}

/* It has no device number of its own. */
static int look_at_btrfs(int fd, const struct devices *from, char **ret_name)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char path[128], *p = path;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return 0;
	p += snprintf(path, sizeof(path), SYSFS_BTRFS "/");
	for (size_t i = 0; i < sizeof(info.fsid); i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     info.fsid[i]);
	strcpy(p, "/devices");
	return look_at_each(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), from, ret_name);
}

static bool is_btrfs(int fd)
{
	struct statfs fs;

	/* Signed, and on 32-bit systems as wide as the number. */
	return fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC;
}

/* For ioctl(2), which takes no O_PATH. */
static int reopen(int fd)
{
	int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return opened < 0 ? -errno : opened;
}

int write_protected(int root_fd, int fd, dev_t dev, char **ret_name)
{
	_cleanup_root_devices_ struct root_devices ours = { 0 };
	const struct devices from = { .ours = &ours };
	_cleanup_close_ int top_fd = -1;
	int err = root_devices_read(root_fd, &ours);
	char path[64];

	if (err < 0)
		return err;
	if (is_btrfs(fd)) {
		top_fd = reopen(fd);
		return top_fd < 0 ? top_fd : look_at_btrfs(top_fd, &from, ret_name);
	}
	snprintf(path, sizeof(path), SYSFS_BLOCK, major(dev), minor(dev));
	return look_at(AT_FDCWD, path, &from, ret_name);
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

	if (!is_btrfs(fd))
		return 0;
	root_fd = reopen(fd);
	if (root_fd < 0)
		return root_fd;
	if (ioctl(root_fd, BTRFS_IOC_GET_SUBVOL_INFO, &subvolume.info) < 0 &&
	    (errno != ENOTTY || ioctl(root_fd, GET_SUBVOL_INFO_64, &subvolume) < 0))
		return -errno;
	return (subvolume.info.flags & 1u) != 0; /* BTRFS_ROOT_SUBVOL_RDONLY, linux/btrfs_tree.h */
}
