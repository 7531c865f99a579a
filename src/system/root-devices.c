/* SPDX-License-Identifier: MIT */
#include "system/root-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "system/block-device.h"

#define NEW_FILE  ROOT_DEVICES_FILE ".new"
#define BYTES_MAX 16384u /* of a list that no machine has */

int root_devices_read(int root_fd, struct root_devices *ret)
{
	_cleanup_close_ int fd =
		open_beneath(root_fd, ROOT_DEVICES_DIR "/" ROOT_DEVICES_FILE, O_RDONLY);
	char text[BYTES_MAX];
	ssize_t n;

	*ret = (struct root_devices){ 0 };
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return root_devices_parse(text, ret);
}

/* What has been removed cannot be written. */
static int look(int root_fd, struct root_devices *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct root_device *d = &l->list[i];
		int writable = block_device_is_writable(root_fd, makedev(d->major, d->minor));

		if (writable < 0 && writable != -ENOENT)
			return writable;
		d->writable = writable > 0;
	}
	return 0;
}

int root_devices_observe(int root_fd, struct root_devices *ret)
{
	int err = root_devices_read(root_fd, ret);

	ret->unknown = err == -EACCES;
	if (err >= 0)
		err = look(root_fd, ret);
	return ret->unknown ? 0 : err;
}

int root_devices_write(int root_fd, const struct root_devices *l)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, ROOT_DEVICES_DIR, 0755);
	_cleanup_free_ char *text = NULL;
	int err = dir_fd < 0 ? dir_fd : root_devices_format(l, &text);

	if (err >= 0)
		err = write_file(dir_fd, NEW_FILE, 0644, text);
	if (err >= 0 && renameat(dir_fd, NEW_FILE, dir_fd, ROOT_DEVICES_FILE) < 0)
		err = -errno;
	return err;
}

int root_devices_forget(int root_fd)
{
	if (unlinkat(root_fd, ROOT_DEVICES_DIR "/" ROOT_DEVICES_FILE, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* A device that was removed: nobody can write to it, and to wait for it would be to wait forever. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENXIO || err == -ENODEV;
}

int root_devices_apply(int root_fd, const struct root_devices *l, bool read_only)
{
	int err = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct root_device *d = &l->list[read_only ? i : l->n - 1 - i];
		int failed = d->fate != ROOT_DEVICE_SET ?
				     0 :
				     block_device_set(root_fd, makedev(d->major, d->minor), d->name,
						      read_only);

		if (failed < 0 && !is_gone(failed) && err >= 0)
			err = failed;
	}
	return err;
}

int root_devices_set(int root_fd, bool read_only)
{
	_cleanup_root_devices_ struct root_devices l = { 0 };
	int err = root_devices_read(root_fd, &l);

	return err < 0 ? err : root_devices_apply(root_fd, &l, read_only);
}

int root_devices_any_writable(int root_fd)
{
	_cleanup_root_devices_ struct root_devices l = { 0 };
	int err = root_devices_read(root_fd, &l);

	if (err < 0)
		return err;
	look(root_fd, &l);
	for (size_t i = 0; i < l.n; i++)
		if (l.list[i].fate == ROOT_DEVICE_SET && l.list[i].writable)
			return 1;
	return 0;
}
