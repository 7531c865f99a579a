/* SPDX-License-Identifier: MIT */
#include "trust/kept-layers.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/text.h"

/* A directory of the layers while its entries are read. */
struct checking {
	struct way *way;
	int fd;
	const char *path; /* for messages */
};

static int refuse(struct way *w, const char *dir, const char *name, const char *what)
{
	return way_refuse(w, -EPERM, "%s/%s %s", dir, name, what);
}

/* The kernel could not create or remove anything there, or not remove it itself. */
static int check_flags(struct way *w, int dir_fd, const char *dir, const char *name)
{
	struct statx st;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, 0, &st) < 0)
		return refuse(w, dir, name, "cannot be examined");
	if (st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return refuse(w, dir, name,
			      "is immutable or append-only; clear this with chattr -ia");
	return 0;
}

/* Returns 1 for a directory of its own, 0 if there is nothing, or -errno after logging it. */
static int check_directory(struct way *w, int dir_fd, const char *dir, const char *name)
{
	struct stat st;
	int err;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : refuse(w, dir, name, "cannot be examined");
	if (S_ISLNK(st.st_mode))
		return refuse(w, dir, name, "is a symbolic link; expected a directory");
	if (!S_ISDIR(st.st_mode))
		return refuse(w, dir, name, "is not a directory");
	if (mount_point_at(dir_fd, name))
		return refuse(w, dir, name,
			      "is a mount point; expected a directory of the partition");
	err = check_flags(w, dir_fd, dir, name);
	return err < 0 ? err : 1;
}

static int refuse_foreign(const struct checking *c, const char *name)
{
	return refuse(c->way, c->path, name, "was not made by overlayfs; move it away");
}

static int check_content(struct way *w, int dir_fd, const char *dir, const char *name,
			 int (*check)(void *data, const char *name))
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, name);
	_cleanup_free_ char *path = NULL;

	if (fd < 0)
		return fd;
	if (text_format(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	return each_name(open_dir_at(fd, "."), check, &(struct checking){ w, fd, path });
}

/* A whiteout of a directory that was removed. The kernel goes no deeper (ovl_workdir_cleanup()). */
static int check_in_temporary(void *data, const char *name)
{
	const struct checking *c = data;
	struct stat st;

	if (fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return refuse(c->way, c->path, name, "cannot be examined");
	return S_ISDIR(st.st_mode) ? refuse_foreign(c, name) :
				     check_flags(c->way, c->fd, c->path, name);
}

/*
 * What a power cut has left unfinished, of any kind, with a name of ovl_lookup_temp() in dir.c. The
 * kernel removes it without following a link.
 */
static int check_in_inner(void *data, const char *name)
{
	const struct checking *c = data;
	struct stat st;
	int err;

	if (strcmp(name, "incompat") == 0)
		return refuse(
			c->way, c->path, name,
			"says that this overlay was mounted with \"volatile\", so changes may be missing "
			"or damaged; remove upper and work, or only this directory to use them as they are");
	if (name[0] != '#')
		return refuse_foreign(c, name);
	if (fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return refuse(c->way, c->path, name, "cannot be examined");
	if (!S_ISDIR(st.st_mode))
		return check_flags(c->way, c->fd, c->path, name);
	err = check_directory(c->way, c->fd, c->path, name);
	return err < 0 ? err : check_content(c->way, c->fd, c->path, name, check_in_temporary);
}

/* fs/overlayfs/overlayfs.h, Linux 5.10 to 6.18: OVL_WORKDIR_NAME, OVL_INDEXDIR_NAME */
static int check_in_work(void *data, const char *name)
{
	const struct checking *c = data;
	bool is_inner = strcmp(name, "work") == 0;
	int err;

	if (!is_inner && strcmp(name, "index") != 0)
		return refuse_foreign(c, name);
	err = check_directory(c->way, c->fd, c->path, name);
	if (err < 0 || !is_inner)
		return err;
	return check_content(c->way, c->fd, c->path, name, check_in_inner);
}

static int check_work(struct way *w, int dir_fd, const char *dir)
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, "work");
	_cleanup_free_ char *path = NULL;
	int err;

	if (fd < 0)
		return fd;
	if (text_format(&path, "%s/work", dir) < 0)
		return -ENOMEM;
	err = way_check(w, fd, path);
	return err < 0 ? err : check_content(w, dir_fd, dir, "work", check_in_work);
}

int kept_layers_check(struct way *w, int dir_fd, const char *dir)
{
	int upper = check_directory(w, dir_fd, dir, "upper"), work;

	if (upper < 0)
		return upper;
	work = check_directory(w, dir_fd, dir, "work");
	return work > 0 ? check_work(w, dir_fd, dir) : work;
}
