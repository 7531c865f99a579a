/* SPDX-License-Identifier: MIT */
#include "prepare/guard.h"

#include <fcntl.h>
#include <linux/auto_fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "prepare/immutable.h"
#include "prepare/mount-point-mode.h"
#include "prepare/told.h"

/*
 * Where the guard goes: the directory above and the name in it. A service may have moved its own
 * directories about; so the path is walked once, through no link, and everything is done there.
 */
struct place {
	int dir_fd;
	const char *name;
};

/* What a guard is put into: a directory that shows what a path shows, or will show. */
struct ground {
	const char *dir;
	size_t n; /* length of that path, "" for the root */
};

static const struct ground the_root = { "/", 0 };

static void place_done(struct place *at)
{
	closep(&at->dir_fd);
}

#define _cleanup_place_ _cleanup_(place_done)

static int ground_open(const struct ground *g)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root_fd < 0 ? -errno : open_beneath(root_fd, g->dir, O_RDONLY | O_DIRECTORY);
}

static int place_find(const struct plan_persist *p, const struct ground *g, struct place *ret)
{
	_cleanup_close_ int fd = ground_open(g);

	ret->dir_fd = fd < 0 ? fd : open_parent_beneath(fd, p->path + g->n, &ret->name);
	return ret->dir_fd < 0 ? ret->dir_fd : 0;
}

/* As place_find(), and makes the directories above. */
static int place_make(const struct plan_persist *p, const struct ground *g, struct place *ret)
{
	_cleanup_close_ int fd = ground_open(g);

	ret->dir_fd = fd < 0 ? fd : mount_point_parent(fd, p->path, g->n, &ret->name);
	return ret->dir_fd < 0 ? ret->dir_fd : 0;
}

/* Returns: 1, 0, or -errno: if it were taken for 0, a second guard would cover the data. */
static int look_for_mount(const struct place *at)
{
	return mount_point_exists(at->dir_fd, at->name);
}

/*
 * From now on it asks no daemon: whatever is looked up in it does not exist. By its name, which
 * leads to the guard itself now: a mount point cannot be renamed. On anything else the call fails.
 */
static int make_silent(const struct place *at)
{
	_cleanup_close_ int fd = open_dir_at(at->dir_fd, at->name);

	if (fd < 0)
		return fd;
	return ioctl(fd, AUTOFS_IOC_CATATONIC, 0) < 0 ? -errno : 0;
}

/*
 * An autofs without a daemon: empty, read-only, and the only type of file system that PID 1 does not
 * take for the mount unit of the path (mount_setup_unit() in its mount.c, from 247 to 262). So the
 * unit is active only when the data is mounted, and starting it later mounts the data on top.
 */
static int mount_guard(int fd)
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
	if (mount("rofs", fd_name(fd).path, "autofs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  options) < 0)
		return -errno;
	return 0;
}

/* On what @fd is, the directory @at or a guard that is there. */
static int mount_guard_at(const struct place *at, int fd)
{
	int err = mount_guard(fd);

	return err < 0 ? err : make_silent(at);
}

static int guard_directory(const struct plan_persist *p, const struct ground *g)
{
	_cleanup_place_ struct place at = { -1, NULL };
	_cleanup_close_ int fd = -1;
	int err = place_make(p, g, &at);

	if (err >= 0)
		err = look_for_mount(&at);
	if (err != 0)
		return err < 0 ? err : 0;
	fd = make_dir_at(at.dir_fd, at.name, mount_point_mode(p->path, strlen(p->path)));
	if (fd < 0)
		return fd;
	return mount_guard_at(&at, fd);
}

/*
 * An autofs is a directory, and any other mount on a file PID 1 would take for the mount unit of the
 * path. So the file itself is made immutable: nobody can write to it, or rename over it.
 */
static int guard_file(const struct plan_persist *p, const struct ground *g)
{
	_cleanup_place_ struct place at = { -1, NULL };
	int err = place_find(p, g, &at);

	if (err >= 0)
		err = look_for_mount(&at);
	if (err != 0)
		return err < 0 ? err : 0;
	err = immutable_set(at.dir_fd, at.name, true);
	if (err == -EROFS) /* the overlay is read-only itself */
		return 0;
	if (err != -ENOTTY && err != -EOPNOTSUPP)
		return err;
	if (g->n > 0)
		return 0; /* said when the path itself has its turn */
	log_info(
		"%s: this kernel cannot make a single file in RAM immutable; without its partition, "
		"writes go to RAM",
		p->path);
	return 0;
}

/*
 * Under a mount the flag would still count: a rename over the file would fail with EPERM, instead of
 * the EBUSY that programs can handle.
 */
void mounts_unguard(const struct plan_persist *p)
{
	_cleanup_place_ struct place at = { -1, NULL };
	int err;

	if (p->guard == SIZE_MAX || p->conf->kind != PERSIST_FILE)
		return;
	err = place_find(p, &the_root, &at);
	if (err >= 0)
		err = look_for_mount(&at);
	if (err == 0)
		err = immutable_set(at.dir_fd, at.name, false);
	if (err < 0 && err != -EROFS && err != -ENOTTY && err != -EOPNOTSUPP)
		log_error(err, "%s: cannot clear the immutable flag: %s", p->path, strerror(-err));
}

static int explain(const struct plan_persist *p, int err)
{
	const struct conf_section *s = &p->conf->section;
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *subject = NULL;

	if (text_format(&subject, "%s:%u: [Persist %s]", s->pos.file, s->pos.line, s->name) < 0)
		return log_error(-ENOMEM, "out of memory: %s is not guarded", p->path);
	return tell(tell_link(subject, root_fd, p->path, err),
		    "%s cannot be made read-only; without its partition, "
		    "writes go to the file system below: %s",
		    subject, strerror(-err));
}

int mounts_guard_twice(const struct plan_persist *p)
{
	_cleanup_place_ struct place at = { -1, NULL };
	_cleanup_close_ int fd = -1;
	int err;

	if (p->conf->kind == PERSIST_FILE)
		return 0;
	err = place_find(p, &the_root, &at);
	if (err < 0)
		return explain(p, err);
	fd = open_dir_at(at.dir_fd, at.name);
	err = fd < 0 ? fd : mount_guard_at(&at, fd);
	return err < 0 ? explain(p, err) : 0;
}

static int put_guard(const struct plan_persist *p, const struct ground *g)
{
	return p->conf->kind == PERSIST_FILE ? guard_file(p, g) : guard_directory(p, g);
}

int guard_overlay(const struct plan *plan, const struct plan_overlay *o, const char *where,
		  bool *failed)
{
	struct ground g = { where, strlen(o->path) };
	bool is_seen = mount_point_at(AT_FDCWD, o->path);
	int result = 0;

	for (size_t i = 0; i < plan->n_persists; i++) {
		const struct plan_persist *p = &plan->persists[i];
		int err;

		if (p->guard_overlay != (size_t)(o - plan->overlays))
			continue;
		/* The flag would count below the data that may be mounted there: mounts_guard() looks. */
		if (is_seen && p->conf->kind == PERSIST_FILE)
			continue;
		err = put_guard(p, &g);
		if (err >= 0)
			continue;
		result = explain(p, err);
		if (failed)
			failed[i] = true;
	}
	return result;
}

int mounts_guard(const struct plan_persist *p, bool is_told)
{
	int err = put_guard(p, &the_root);

	return err < 0 && !is_told ? explain(p, err) : err;
}
