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
	bool (*is_known)(const char *name);
};

/* fs/overlayfs/overlayfs.h, Linux 5.10 to 6.18: OVL_WORKDIR_NAME, OVL_INDEXDIR_NAME; super.c: incompat */
static bool is_in_work(const char *name)
{
	return strcmp(name, "work") == 0 || strcmp(name, "index") == 0 ||
	       strcmp(name, "incompat") == 0;
}

/* What a power cut has left unfinished; ovl_lookup_temp() in dir.c. */
static bool is_temporary(const char *name)
{
	return name[0] == '#';
}

static int refuse(struct way *w, const char *dir, const char *name, const char *what)
{
	return way_refuse(w, -EPERM, "%s/%s %s", dir, name, what);
}

/* Returns 1 for a directory of its own, 0 if there is nothing, or -errno. */
static int check_directory(struct way *w, int dir_fd, const char *dir, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : refuse(w, dir, name, "cannot be examined");
	if (S_ISLNK(st.st_mode))
		return refuse(w, dir, name, "is a symbolic link; expected a directory");
	if (!S_ISDIR(st.st_mode))
		return refuse(w, dir, name, "is not a directory");
	if (mount_point_at(dir_fd, name))
		return refuse(w, dir, name,
			      "is a mount point; expected a directory of the partition");
	return 1;
}

static int check_entry(void *data, const char *name)
{
	const struct checking *c = data;

	if (!c->is_known(name))
		return refuse(c->way, c->path, name, "was not made by overlayfs; move it away");
	/* Temporary ones are of any kind; the kernel removes them without following a link. */
	return is_temporary(name) ? 0 : check_directory(c->way, c->fd, c->path, name);
}

static int check_content(struct way *w, int fd, const char *path,
			 bool (*is_known)(const char *name))
{
	struct checking c = { w, fd, path, is_known };

	return each_name(open_dir_at(fd, "."), check_entry, &c);
}

/* The directory work in work; absent before the first mount. */
static int check_inner(struct way *w, int work_fd, const char *path)
{
	_cleanup_close_ int fd = open_dir_at(work_fd, "work");
	_cleanup_free_ char *inner = NULL;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	if (text_format(&inner, "%s/work", path) < 0)
		return -ENOMEM;
	return check_content(w, fd, inner, is_temporary);
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
	if (err >= 0)
		err = check_content(w, fd, path, is_in_work);
	return err < 0 ? err : check_inner(w, fd, path);
}

int kept_layers_check(struct way *w, int dir_fd, const char *dir)
{
	int upper = check_directory(w, dir_fd, dir, "upper"), work;

	if (upper < 0)
		return upper;
	work = check_directory(w, dir_fd, dir, "work");
	return work > 0 ? check_work(w, dir_fd, dir) : work;
}
