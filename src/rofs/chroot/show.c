/* SPDX-License-Identifier: MIT */
/* Files of the running system in the chroot, and how they go away again. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "layer/updated.h"
#include "rofs/chroot/view.h"
#include "rofs/ui/off.h"
#include "system/log.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

/* invoke-rc.d(8) and deb-systemd-invoke(1) ask it whether a package may start a service: 101 is no. */
#define POLICY_PATH "/usr/sbin/policy-rc.d"
static const char policy[] = "#!/bin/sh\n"
			     "# Made by rofs chroot: services start at the next boot.\n"
			     "exit 101\n";

/* struct view_made - an empty file that was made to have something bound over it */
struct view_made {
	char *path;
	ino_t ino;
	struct timespec before, after; /* time of its directory, when it was made */
};

void view_done(struct view *v)
{
	for (size_t i = 0; i < v->n_made; i++)
		free(v->made[i].path);
	free(v->made);
	closep(&v->root_fd);
	*v = (struct view)VIEW_INIT;
}

static int note_made(struct view *v, const char *path, int dir_fd, const struct timespec *before,
		     int fd)
{
	struct stat dir, file;
	char *copy;

	if (fstat(dir_fd, &dir) < 0 || fstat(fd, &file) < 0)
		return -errno;
	if (array_reserve(v->made, v->n_made) < 0)
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	v->made[v->n_made++] = (struct view_made){ copy, file.st_ino, *before, dir.st_mtim };
	return 0;
}

/* An empty file at a path where nothing is. */
static int make_mount_point(struct view *v, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = open_parent_beneath(v->root_fd, path, &name), fd = -1;
	struct stat before;

	if (dir < 0)
		return dir;
	if (fstat(dir, &before) < 0)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : note_made(v, path, dir, &before.st_mtim, fd);
}

static int bind_over(const struct view *v, const char *from, const char *path)
{
	const unsigned long read_only = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
	_cleanup_close_ int file = open_beneath(v->root_fd, from, O_PATH),
			    at = open_beneath(v->root_fd, path, O_PATH);

	if (file < 0 || at < 0)
		return file < 0 ? file : at;
	if (mount(fd_name(file).path, fd_name(at).path, NULL, MS_BIND, NULL) < 0)
		return -errno;
	closep(&at);
	at = open_beneath(v->root_fd, path, O_PATH);
	if (at < 0)
		return at;
	return mount(NULL, fd_name(at).path, NULL, read_only, NULL) < 0 ? -errno : 0;
}

/* A file in /run of the chroot, to be bound from there. @path: its whole path */
static int write_own(const struct view *v, const char *path, mode_t mode, const char *text,
		     size_t len)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = strndup(path, (size_t)(slash - path));
	_cleanup_close_ int fd = dir ? make_path(v->root_fd, dir, 0755) : -ENOMEM;

	return fd < 0 ? fd : write_bytes(fd, slash + 1, mode, text, len);
}

static bool has_text(const struct rootfs *r, const char *path, const char *text, size_t len)
{
	_cleanup_free_ char *there = NULL;
	size_t n;

	return rootfs_read(r, path, FILE_BYTES_MAX, &there, &n) == 0 && n == len &&
	       memcmp(there, text, n) == 0;
}

/* Shows @text as the file at @path, which exists or not; links in the chroot are followed. */
static int show_text(struct view *v, const struct rootfs *r, const char *path, mode_t mode,
		     const char *text, size_t len)
{
	_cleanup_free_ char *at = NULL, *own = NULL;
	const char *name = strrchr(path, '/') + 1;
	struct stat st;
	int err = rootfs_resolve(r, path, &at);

	if (err < 0)
		return err;
	/* A link into /run, as systemd-resolved has it: that is the chroot's own. */
	if (path_is_below(at, "/run"))
		return write_own(v, at, mode, text, len);
	if (text_format(&own, CHROOT_RUN_DIR "/%s", name) < 0)
		return -ENOMEM;
	err = write_own(v, own, mode, text, len);
	if (err >= 0 && rootfs_stat(r, at, &st) < 0)
		err = make_mount_point(v, at);
	return err < 0 ? err : bind_over(v, own, at);
}

/* A file of the running system, unless it is the same on flash: there it can be edited then. */
static int show_running(struct view *v, const struct rootfs *r, const struct rootfs *running,
			const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (rootfs_read(running, path, FILE_BYTES_MAX, &text, &len) < 0 || len == 0)
		return 0;
	if (has_text(r, path, text, len))
		return 0;
	return show_text(v, r, path, 0444, text, len);
}

static int show_policy(struct view *v, const struct rootfs *r)
{
	if (!rootfs_has(r, "/usr/sbin", "invoke-rc.d"))
		return 0;
	return show_text(v, r, POLICY_PATH, 0755, policy, sizeof(policy) - 1);
}

static void report(int err, const char *path)
{
	if (err < 0)
		log_warning("%s of the running system is not shown in the chroot: %s", path,
			    strerror(-err));
}

void view_show(const struct chroot *c, struct view *v)
{
	static const char *const running_files[] = { "/etc/resolv.conf", "/etc/hosts",
						     "/etc/machine-id" };
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT, running = ROOTFS_INIT;
	int err = rootfs_open_at(v->root_fd, ".", &r);

	if (err >= 0)
		err = rootfs_open_merged(&c->loaded.root, &running);
	if (err < 0) {
		report(err, "/etc");
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(running_files); i++)
		report(show_running(v, &r, &running, running_files[i]), running_files[i]);
	report(show_policy(v, &r), POLICY_PATH);
}

static bool is_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The directory gets the time that it would have if the file had never been there. */
static int remove_made(const struct view *v, const struct view_made *m)
{
	const char *name;
	_cleanup_close_ int dir = open_parent_beneath(v->root_fd, m->path, &name), fd = -1;
	struct stat st, in;
	struct timespec times[2];

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		umount2(fd_name(fd).path, MNT_DETACH);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || fstat(dir, &in) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.st_ino != m->ino || st.st_size != 0)
		return 0;
	if (unlinkat(dir, name, 0) < 0)
		return -errno;
	times[0] = in.st_atim;
	times[1] = is_time(&in.st_mtim, &m->after) ? m->before : in.st_mtim;
	return utimensat(AT_FDCWD, fd_name(dir).path, times, 0) < 0 ? -errno : 0;
}

static int refresh(const struct view *v, const char *path)
{
	_cleanup_close_ int dir = open_beneath(v->root_fd, path, O_RDONLY | O_DIRECTORY);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	return updated_make(v->root_fd, dir, dir);
}

/* The triggers of packages have done what services of the next boot would do again. */
static int refresh_updated(const struct chroot *c, const struct view *v)
{
	struct stat before, now;
	int err;

	if (fstatat(v->root_fd, "usr", &now, 0) < 0 ||
	    fstatat(c->systems[0].fd, "usr", &before, 0) < 0 ||
	    is_time(&before.st_mtim, &now.st_mtim))
		return 0;
	err = refresh(v, "etc");
	return err < 0 ? err : refresh(v, "var");
}

int view_finish(const struct chroot *c, struct view *v)
{
	int err = 0;

	/* The last one first, because of the times of directories. */
	for (size_t i = v->n_made; i > 0 && err >= 0; i--)
		err = remove_made(v, &v->made[i - 1]);
	if (err >= 0)
		err = refresh_updated(c, v);
	if (err < 0)
		log_error(0, "cannot complete the chroot: %s", strerror(-err));
	return err;
}
