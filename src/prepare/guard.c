/* SPDX-License-Identifier: MIT */
#include "prepare/guard.h"

#include <fcntl.h>
#include <linux/auto_fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/macro.h"
#include "basic/mount-point.h"
#include "prepare/immutable.h"
#include "system/log.h"

/* Visible to all, as systemd makes mount points. What cannot be made shows when it is used. */
static int make_visible(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	mkdir(copy, 0755);
	return 0;
}

/* From now on it asks nobody: what is looked up in it is not there. */
static int make_silent(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || ioctl(fd, AUTOFS_IOC_CATATONIC, 0) < 0 ? -errno : 0;
}

/*
 * An autofs without a daemon: empty, read-only, and the one type of file system that PID 1 does not
 * take for the mount unit of the path (mount_setup_unit() in its mount.c, from 247 to 262). So the
 * unit is active when the data is there and only then, and starting it later mounts the data on top.
 */
static int mount_guard(const char *path)
{
	_cleanup_close_ int writer = -1;
	char options[128];
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	close(pipe_fds[0]); /* nobody reads what it would ask */
	writer = pipe_fds[1];
	snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", writer,
		 (int)getpgrp());
	if (mount("rofs", path, "autofs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) <
	    0)
		return -errno;
	return make_silent(path);
}

/*
 * What would be mounted on a file PID 1 takes for the mount unit of the path, and an autofs is a
 * directory. So nobody can write to the file itself, or rename over it.
 */
static int guard_file(const char *path)
{
	int err = immutable_set(path, true);

	if (err == -EROFS) /* an overlay that refuses writes by itself */
		return 0;
	if (err != -ENOTTY && err != -EOPNOTSUPP)
		return err;
	log_info("%s: this kernel cannot guard a single file; without its partition, RAM takes the "
		 "writes",
		 path);
	return 0;
}

/*
 * Through a mount on it the flag would still be seen by who renames over it: "Operation not
 * permitted", where programs know what to do for EBUSY.
 */
void mounts_unguard(const struct plan_persist *p)
{
	int err;

	if (p->guard == SIZE_MAX || p->conf->kind != PERSIST_FILE ||
	    mount_point_at(AT_FDCWD, p->path))
		return;
	err = immutable_set(p->path, false);
	if (err < 0 && err != -EROFS && err != -ENOTTY && err != -EOPNOTSUPP)
		log_error(err, "%s: %s", p->path, strerror(-err));
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
			"%s:%u: [Persist %s] is not guarded: without its partition, what lies "
			"beneath takes the writes: %s",
			p->conf->section.pos.file, p->conf->section.pos.line, p->conf->section.name,
			strerror(-err));
	return 0;
}
