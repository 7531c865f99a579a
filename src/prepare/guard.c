/* SPDX-License-Identifier: MIT */
#include "prepare/guard.h"

#include <fcntl.h>
#include <linux/auto_fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "prepare/immutable.h"
#include "system/log.h"

/* With the mode of systemd's mount points. If one cannot be made, the mount that follows fails. */
static int make_visible(const char *path)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
			    fd = root_fd < 0 ? -errno : make_path(root_fd, path, 0755);

	return fd == -ENOMEM ? fd : 0;
}

/* From now on it asks no daemon: whatever is looked up in it does not exist. */
static int make_silent(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || ioctl(fd, AUTOFS_IOC_CATATONIC, 0) < 0 ? -errno : 0;
}

/*
 * An autofs without a daemon: empty, read-only, and the only type of file system that PID 1 does not
 * take for the mount unit of the path (mount_setup_unit() in its mount.c, from 247 to 262). So the
 * unit is active only when the data is mounted, and starting it later mounts the data on top.
 */
static int mount_guard(const char *path)
{
	_cleanup_close_ int writer = -1;
	char options[128];
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	close(pipe_fds[0]); /* nobody reads its requests */
	writer = pipe_fds[1];
	snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", writer,
		 (int)getpgrp());
	if (mount("rofs", path, "autofs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) <
	    0)
		return -errno;
	return make_silent(path);
}

/*
 * An autofs is a directory, and any other mount on a file PID 1 would take for the mount unit of the
 * path. So the file itself is made immutable: nobody can write to it, or rename over it.
 */
static int guard_file(const char *path)
{
	int err = immutable_set(path, true);

	if (err == -EROFS) /* the overlay is read-only itself */
		return 0;
	if (err != -ENOTTY && err != -EOPNOTSUPP)
		return err;
	log_info(
		"%s: this kernel cannot make a single file in RAM immutable; without its partition, "
		"writes go to RAM",
		path);
	return 0;
}

/*
 * Under a mount the flag would still count: a rename over the file would fail with EPERM, instead of
 * the EBUSY that programs can handle.
 */
void mounts_unguard(const struct plan_persist *p)
{
	int err;

	if (p->guard == SIZE_MAX || p->conf->kind != PERSIST_FILE ||
	    mount_point_at(AT_FDCWD, p->path))
		return;
	err = immutable_set(p->path, false);
	if (err < 0 && err != -EROFS && err != -ENOTTY && err != -EOPNOTSUPP)
		log_error(err, "%s: cannot clear the immutable flag: %s", p->path, strerror(-err));
}

static int put_guard(const struct plan_persist *p)
{
	int err;

	if (p->conf->kind == PERSIST_FILE)
		return guard_file(p->path);
	err = make_visible(p->path);
	return err < 0 ? err : mount_guard(p->path);
}

int mounts_guard(const struct plan_persist *p)
{
	int err;

	if (mount_point_at(AT_FDCWD, p->path))
		return 0;
	err = put_guard(p);
	if (err < 0)
		return log_error(
			err,
			"%s:%u: [Persist %s] cannot be made read-only; without its partition, "
			"writes go to the file system below: %s",
			p->conf->section.pos.file, p->conf->section.pos.line, p->conf->section.name,
			strerror(-err));
	return 0;
}
