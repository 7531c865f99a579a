/* SPDX-License-Identifier: MIT */
#include "prepare/machine-id.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "layer/made-by-rofs.h"
#include "system/log.h"

/* If the lower /etc has no machine-id file at all, PID 1 has no ID either. */
static int make_id(char ret[static MACHINE_ID_LETTERS + 1])
{
	unsigned char bytes[MACHINE_ID_LETTERS / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	bytes[6] = (bytes[6] & 0x0f) | 0x40; /* a version 4 UUID, as machine-id(5) says */
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* The ID that programs see now: PID 1's bind, the file behind it, or the lower; else a new one. */
static int running_id(int root_fd, char ret[static MACHINE_ID_LETTERS + 1])
{
	static const char *const paths[] = { "etc/machine-id", "run/machine-id" };
	int failed = 0;

	for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
		int err = machine_id_read(root_fd, paths[i], ret);

		if (err == 0)
			return 0;
		if (err != -ENOENT && err != -EINVAL)
			failed = err;
	}
	return failed < 0 ? failed : make_id(ret);
}

/* Does the upper have this ID? A link, on a foreign partition, could say anything later. */
static bool is_kept(int upper_fd, const char *id)
{
	char kept[MACHINE_ID_LETTERS + 1];
	struct stat st;

	return fstatat(upper_fd, "machine-id", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && machine_id_read(upper_fd, "machine-id", kept) == 0 &&
	       strcmp(kept, id) == 0;
}

int machine_id_make(int root_fd, int lower_fd, int upper_fd)
{
	char id[MACHINE_ID_LETTERS + 2] = "";
	struct stat st;
	int err;

	if (fstatat(upper_fd, "machine-id", &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    machine_id_read(lower_fd, "machine-id", id) == 0)
		return 0;
	err = running_id(root_fd, id);
	if (err < 0)
		return err;
	if (is_kept(upper_fd, id))
		return 0;

	/* On a partition it is the ID of an earlier boot, or the whiteout of a removed file. */
	if (unlinkat(upper_fd, "machine-id", 0) < 0 && errno != ENOENT)
		return -errno;
	id[MACHINE_ID_LETTERS] = '\n';
	return write_file(upper_fd, "machine-id", 0444, id);
}

int machine_id_hold(int root_fd)
{
	int mounted = mount_point_look(root_fd, "etc/machine-id"), fd;

	if (mounted <= 0)
		return mounted < 0 ? mounted : -ENOENT;

	fd = openat(root_fd, "etc/machine-id", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int machine_id_release(int fd)
{
	_cleanup_close_ int held = fd;

	/* Lazily, as the descriptor itself keeps it busy. */
	if (umount2(fd_name(held).path, MNT_DETACH) < 0)
		return log_error(-errno, "cannot unmount /etc/machine-id: %s", strerror(errno));
	return 0;
}
