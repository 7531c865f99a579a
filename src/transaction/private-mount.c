/* SPDX-License-Identifier: MIT */
#include "transaction/private-mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "transaction/lock.h"

#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000 /* bits/statvfs.h since 2.39 */
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* linux/mount.h since 5.10 */
#endif

static int remember(struct private_mounts *p)
{
	p->namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	p->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	p->cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	p->entered = true;
	return p->namespace_fd < 0 || p->root_fd < 0 || p->cwd_fd < 0 ? -errno : 0;
}

int private_mounts_begin(struct private_mounts *ret, char **ret_why)
{
	int err = remember(ret);

	if (err < 0)
		return err;
	if (unshare(CLONE_NEWNS) < 0) {
		if (errno != EPERM)
			return -errno;
		err = text_format(ret_why,
				  "this process must not mount anything; run it outside of "
				  "the container or the service");
		return err < 0 ? err : -EPERM;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

/* A namespace is entered at its root, which is another one for a process that is in a chroot(2). */
static void go_back(const struct private_mounts *p)
{
	if (setns(p->namespace_fd, CLONE_NEWNS) < 0 || fchdir(p->root_fd) < 0 || chroot(".") < 0)
		return;
	if (fchdir(p->cwd_fd) < 0)
		return;
}

void private_mounts_end(struct private_mounts *p)
{
	if (!p->entered)
		return;
	go_back(p);
	closep(&p->namespace_fd);
	closep(&p->root_fd);
	closep(&p->cwd_fd);
	*p = (struct private_mounts){ 0 };
}

static unsigned long flags_of(int fd)
{
	static const struct {
		unsigned long st, ms;
	} flags[] = {
		{ ST_NOSUID, MS_NOSUID },     { ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },     { ST_NOSYMFOLLOW, MS_NOSYMFOLLOW },
		{ ST_NOATIME, MS_NOATIME },   { ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
	};
	unsigned long ms = 0;
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0)
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(flags); i++)
		if (fs.f_flag & flags[i].st)
			ms |= flags[i].ms;
	return ms;
}

static bool is_target(const struct target *t, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == t->dev && st.st_ino == t->ino;
}

/* A descriptor from before is one of the other namespace, and such a mount cannot be bound. */
static int open_source(const struct target *t)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;

	if (root_fd < 0)
		return -errno;
	fd = open_beneath(root_fd, t->where, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	return is_target(t, fd) ? TAKE_FD(fd) : -ESTALE;
}

/* The kernel looks at the mount point only: it must be the mount that was just made. */
static int open_bound(const struct target *t, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int mounted;

	if (fd < 0)
		return -errno;
	mounted = mount_point_look(AT_FDCWD, path);
	if (mounted < 0)
		return mounted;
	return mounted && is_target(t, fd) ? TAKE_FD(fd) : -ESTALE;
}

static int make_place(int root_fd, size_t number, char **ret_path)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int err = text_format(&path, "/" LOCK_DIR "/window/%zu", number);

	if (err < 0)
		return err;
	fd = make_path(root_fd, path, 0700);
	if (fd < 0)
		return fd;
	*ret_path = TAKE_PTR(path);
	return 0;
}

int private_mounts_add(int root_fd, const struct target *t, size_t number, char **ret_path)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int source_fd = open_source(t), fd = -1;
	int err = source_fd < 0 ? source_fd : make_place(root_fd, number, &path);

	if (err < 0)
		return err;
	if (mount(fd_name(source_fd).path, path, NULL, MS_BIND, NULL) < 0)
		return -errno;
	fd = open_bound(t, path);
	if (fd < 0)
		return fd;
	if (mount(NULL, path, NULL,
		  MS_REMOUNT | MS_BIND | MS_NOATIME | MS_NODIRATIME | flags_of(source_fd),
		  NULL) < 0)
		return -errno;
	*ret_path = TAKE_PTR(path);
	return TAKE_FD(fd);
}

int mount_make_ro(int fd, const char *path)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | flags_of(fd);

	return mount(NULL, path, NULL, flags, NULL) < 0 ? -errno : 0;
}
