/* SPDX-License-Identifier: MIT */
#include "system/block-device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/text.h"
#include "verdict/root-devices.h"

#define BTRFS "sys/fs/btrfs"
/* The UUID that libcryptsetup gives a device begins with its type: dm_prepare_uuid() in its lib/libdevmapper.c. */
#define VERITY_UUID "CRYPT-VERITY-"

void block_devices_done(struct block_devices *l)
{
	free(l->list);
	*l = (struct block_devices){ 0 };
}

bool block_devices_have(const struct block_devices *l, dev_t device)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i] == device)
			return true;
	return false;
}

static int add_one(struct block_devices *l, dev_t device)
{
	if (block_devices_have(l, device))
		return 0;
	if (array_reserve(l->list, l->n) < 0)
		return -ENOMEM;
	l->list[l->n++] = device;
	return 0;
}

/* Returns: a descriptor, -ENOENT if the kernel does not know the device, or another -errno. */
static int open_device(int root_fd, dev_t device)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "sys/dev/block/%u:%u", major(device), minor(device));
	fd = openat(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A device that is removed while its directory is open. */
static int gone(int err)
{
	return err == -ENODEV ? -ENOENT : err;
}

/* The first line of a file in sysfs. Returns: 0, -ENOENT if the device is gone, or another -errno. */
static int read_line(int dir_fd, const char *path, char *line, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	if (n < 0)
		return gone(-errno);
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

static int read_number(int dir_fd, const char *path, dev_t *ret)
{
	unsigned major, minor;
	char line[32];
	int err = read_line(dir_fd, path, line, sizeof(line));

	if (err < 0)
		return err;
	if (!root_device_number(line, &major, &minor))
		return -ENODATA;
	*ret = makedev(major, minor);
	return 0;
}

/* A directory with a link to the directory of each device. */
struct adding {
	int fd, root_fd;
	struct block_devices *list;
	dev_t wanted; /* is it one of them? */
	bool found;
};

/* Returns: 1, 0 if it is the link of no device (any more), or -errno. */
static int read_entry(const struct adding *a, const char *name, dev_t *ret)
{
	_cleanup_close_ int fd = openat(a->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? gone(-errno) : read_number(fd, "dev", ret);

	return err == -ENOENT ? 0 : err < 0 ? err : 1;
}

static int add_entry(void *data, const char *name)
{
	struct adding *a = data;
	dev_t device = 0;
	int found = read_entry(a, name, &device);

	return found > 0 ? add_one(a->list, device) : found;
}

static int look_for_entry(void *data, const char *name)
{
	struct adding *a = data;
	dev_t device = 0;
	int found = read_entry(a, name, &device);

	a->found = a->found || (found > 0 && device == a->wanted);
	return found < 0 ? found : 0;
}

static int each_entry(int dir_fd, const char *path, int (*each)(void *, const char *),
		      struct adding *a)
{
	a->fd = open_dir_at(dir_fd, path);
	if (a->fd < 0)
		return a->fd == -ENOENT ? 0 : a->fd;
	return each_name(a->fd, each, a);
}

static int each_btrfs_device(struct adding *a, const char *uuid, int (*each)(void *, const char *))
{
	char path[128];

	snprintf(path, sizeof(path), BTRFS "/%.64s/devices", uuid);
	return each_entry(a->root_fd, path, each, a);
}

static int add_btrfs(void *data, const char *uuid)
{
	const struct adding *search = data;
	struct adding a = *search;
	int err = each_btrfs_device(&a, uuid, look_for_entry);

	return err >= 0 && a.found ? each_btrfs_device(&a, uuid, add_entry) : err;
}

/* @fd: the directory of a device. @ret: as of block_device_disk(). */
static int read_disk(int fd, dev_t *ret)
{
	int err = faccessat(fd, "partition", F_OK, 0) < 0 ? -errno : 0;

	*ret = 0;
	if (err >= 0)
		err = read_number(fd, "../dev", ret);
	return err == -ENOENT ? 0 : err;
}

int block_device_disk(int root_fd, dev_t device, dev_t *ret)
{
	_cleanup_close_ int fd = open_device(root_fd, device);

	*ret = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return read_disk(fd, ret);
}

static int add_below(int root_fd, dev_t device, struct block_devices *l)
{
	_cleanup_close_ int fd = open_device(root_fd, device);
	struct adding a = { .root_fd = root_fd, .list = l, .wanted = device }, btrfs = a;
	dev_t disk;
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = read_disk(fd, &disk);
	if (err >= 0 && disk)
		err = add_one(l, disk);
	if (err >= 0)
		err = each_entry(fd, "slaves", add_entry, &a);
	return err < 0 ? err : each_entry(root_fd, BTRFS, add_btrfs, &btrfs);
}

static int add_all_below(int root_fd, size_t at, struct block_devices *l)
{
	int err = 0;

	for (; at < l->n && err >= 0; at++)
		err = add_below(root_fd, l->list[at], l);
	return err;
}

int block_devices_add(int root_fd, dev_t device, struct block_devices *l)
{
	size_t at = l->n;
	int err = add_one(l, device);

	return err < 0 ? err : add_all_below(root_fd, at, l);
}

int block_devices_add_btrfs(int root_fd, const char *uuid, struct block_devices *l)
{
	struct adding a = { .root_fd = root_fd, .list = l };
	size_t at = l->n;
	int err = each_btrfs_device(&a, uuid, add_entry);

	return err < 0 ? err : add_all_below(root_fd, at, l);
}

int block_device_is_writable(int root_fd, dev_t device)
{
	_cleanup_close_ int fd = open_device(root_fd, device);
	char line[8];
	/* Until 5.11, that of a partition does not know of the disk. */
	int err = fd < 0 ? fd : read_line(fd, "ro", line, sizeof(line));

	return err < 0 ? err : strcmp(line, "0") == 0;
}

int block_device_is_verity(int root_fd, dev_t device)
{
	_cleanup_close_ int fd = open_device(root_fd, device);
	char line[160]; /* a UUID of the device mapper has up to 128 characters */
	int err = fd < 0 ? fd : read_line(fd, "dm/uuid", line, sizeof(line));

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	return strncmp(line, VERITY_UUID, strlen(VERITY_UUID)) == 0;
}

int block_device_path(int root_fd, dev_t device, char **ret)
{
	static const char key[] = "\nDEVNAME=";
	_cleanup_close_ int dir_fd = open_device(root_fd, device), fd = -1;
	char text[1024], *name;
	ssize_t n;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, "uevent", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	name = strstr(text, key);
	if (!name)
		return -ENODATA;
	name += strlen(key);
	name[strcspn(name, "\n")] = '\0';
	return text_format(ret, "/dev/%s", name);
}

int block_device_set(int root_fd, dev_t device, const char *path, bool read_only)
{
	_cleanup_close_ int fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK);
	int value = read_only;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) || st.st_rdev != device)
		return -ENXIO;
	return ioctl(fd, BLKROSET, &value) < 0 ? -errno : 0;
}
