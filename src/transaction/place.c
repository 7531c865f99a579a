/* SPDX-License-Identifier: MIT */
#include "transaction/place.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "transaction/record.h"

#define STAGING "staging"

static void parent_done(struct place_parent *p)
{
	closep(&p->fd);
	free(p->dir);
	*p = (struct place_parent){ .fd = -1, .has_project = -1 };
}

void place_done(struct place *p)
{
	parent_done(&p->parent);
	parent_done(&p->slot_parent);
	closep(&p->base_fd);
	closep(&p->dir_fd);
	*p = (struct place)PLACE_INIT;
}

/* It holds older copies of files whose permissions may since have been tightened. */
static int check_base(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == 0 && (st.st_mode & 077) == 0 ? 0 : -EPERM;
}

static int make_base(int root_fd, const char *name, const struct stat *root)
{
	const struct timespec times[2] = { root->st_atim, root->st_mtim };

	if (mkdirat(root_fd, name, 0700) < 0)
		return -errno;
	return futimens(root_fd, times) < 0 ? -errno : 0;
}

int place_open(struct place *p, int root_fd, const char *name)
{
	struct stat st, here;
	int err = 0;

	if (fstat(root_fd, &st) < 0)
		return -errno;
	if (fstatat(root_fd, name, &here, AT_SYMLINK_NOFOLLOW) < 0)
		err = errno == ENOENT ? make_base(root_fd, name, &st) : -errno;
	if (err < 0)
		return err;
	p->base_fd = open_dir_at(root_fd, name);
	if (p->base_fd == -ELOOP || p->base_fd == -ENOTDIR)
		return -EPERM;
	if (p->base_fd < 0)
		return p->base_fd;
	p->root_fd = root_fd;
	p->dev = st.st_dev;
	return check_base(p->base_fd);
}

size_t place_dir_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool is_last(const struct place_parent *p, int from_fd, const char *path, size_t n)
{
	return p->fd >= 0 && p->from_fd == from_fd && strlen(p->dir) == n &&
	       strncmp(p->dir, path, n) == 0;
}

static int check_device(int fd, dev_t dev)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_dev == dev ? 0 : -EXDEV;
}

static int open_parent(struct place_parent *p, int from_fd, const char *path, dev_t dev,
		       const char **ret_name)
{
	size_t n = place_dir_length(path);
	int err;

	*ret_name = n > 0 ? path + n + 1 : path;
	if (is_last(p, from_fd, path, n))
		return p->fd;
	parent_done(p);
	p->dir = strndup(path, n);
	if (!p->dir)
		return -ENOMEM;
	p->from_fd = from_fd;
	p->fd = open_beneath(from_fd, p->dir, O_PATH | O_DIRECTORY);
	if (p->fd < 0)
		return p->fd;
	err = check_device(p->fd, dev);
	if (err < 0)
		parent_done(p);
	return err < 0 ? err : p->fd;
}

int place_path(struct place *p, const char *path, const char **ret_name)
{
	return open_parent(&p->parent, p->root_fd, path, p->dev, ret_name);
}

const char *place_slot_name(const char *slot)
{
	const char *slash = strchr(slot, '/');

	return slash && strncmp(slot, STAGING, strlen(STAGING)) == 0 ? slash + 1 : NULL;
}

int place_slot(struct place *p, const char *slot, const char **ret_name)
{
	const char *name = place_slot_name(slot);

	if (name)
		return open_parent(&p->slot_parent, p->dir_fd, name, p->dev, ret_name);
	return open_parent(&p->slot_parent, p->base_fd, slot, p->dev, ret_name);
}

static unsigned flags_of(const struct statx *x)
{
	return (x->stx_attributes & STATX_ATTR_IMMUTABLE ? RECORD_IMMUTABLE : 0u) |
	       (x->stx_attributes & STATX_ATTR_APPEND ? RECORD_APPEND : 0u);
}

int place_look(int dir_fd, const char *name, struct place_file *ret)
{
	struct statx x;

	*ret = (struct place_file){ 0 };
	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH,
		  STATX_TYPE | STATX_MODE | STATX_INO | STATX_MTIME, &x) < 0)
		return errno == ENOENT ? 0 : -errno;
	*ret = (struct place_file){
		.exists = true,
		.mode = x.stx_mode,
		.inode = x.stx_ino,
		.flags = flags_of(&x),
		.dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.mtime = { .tv_sec = x.stx_mtime.tv_sec, .tv_nsec = x.stx_mtime.tv_nsec },
	};
	return 0;
}

int place_set_mtime(int dir_fd, const char *name, const struct timespec *mtime)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *mtime };
	const struct fd_name self = fd_name(dir_fd);

	if (mtime->tv_nsec == UTIME_OMIT)
		return 0;
	/* utimensat(2) takes no empty name before Linux 5.8. */
	if (!*name)
		return utimensat(AT_FDCWD, self.path, times, 0) < 0 ? -errno : 0;
	return utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}
