/* SPDX-License-Identifier: MIT */
#include "transaction/held.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/walk.h"
#include "transaction/names.h"

struct reading {
	struct held *held;
	int proc_fd, files_fd;
};

/* A process, or a descriptor of it, may end while it is looked at. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESRCH;
}

static int look_at(struct reading *r, int dir_fd, const char *name)
{
	struct held *h = r->held;
	char path[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, name, path, sizeof(path) - 1);
	struct stat st;

	if (n < 0)
		return is_gone(-errno) ? 0 : -errno;
	path[n] = '\0';
	if (!strstr(path, "/" NAME_KEPT "."))
		return 0;
	if (fstatat(dir_fd, name, &st, 0) < 0)
		return is_gone(-errno) ? 0 : -errno;
	if (array_reserve(h->files, h->n) < 0)
		return -ENOMEM;
	h->files[h->n++] = (struct held_file){ st.st_dev, st.st_ino };
	return 0;
}

static int look_at_file(void *data, const char *name)
{
	struct reading *r = data;

	return look_at(r, r->files_fd, name);
}

static int look_at_process(void *data, const char *name)
{
	static const char *const links[] = { "cwd", "root" };
	struct reading *r = data;
	char path[64];
	int err = 0;

	if (name[strspn(name, "0123456789")])
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(links) && err >= 0; i++) {
		snprintf(path, sizeof(path), "%.20s/%s", name, links[i]);
		err = look_at(r, r->proc_fd, path);
	}
	if (err < 0)
		return err;
	snprintf(path, sizeof(path), "%.20s/fd", name);
	r->files_fd = open_dir_at(r->proc_fd, path);
	err = each_name(r->files_fd, look_at_file, r);
	return is_gone(err) ? 0 : err;
}

static int compare(const void *left, const void *right)
{
	const struct held_file *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return (a->ino > b->ino) - (a->ino < b->ino);
}

int held_read(struct held *ret)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct reading r = { .held = ret, .proc_fd = proc };
	int err = proc < 0 ? -errno : 0;

	*ret = (struct held){ 0 };
	if (err >= 0)
		err = each_name(open_dir_at(proc, "."), look_at_process, &r);
	if (err == -ENOMEM) {
		held_done(ret);
		return err;
	}
	if (ret->n > 1)
		qsort(ret->files, ret->n, sizeof(*ret->files), compare);
	ret->is_known = err >= 0;
	return 0;
}

void held_done(struct held *h)
{
	free(h->files);
	*h = (struct held){ 0 };
}

/* A lease for writing is given only if nobody else has the file open, maps it or runs it. */
bool held_is_file_in_use(int dir_fd, const char *name)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return true;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static bool has(const struct held *h, const struct stat *st)
{
	const struct held_file file = { st->st_dev, st->st_ino };

	return !h->is_known || (h->n > 0 && bsearch(&file, h->files, h->n, sizeof(file), compare));
}

static int check_file(struct walk *w, const char *name, const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return held_is_file_in_use(w->fd, name) ? -EBUSY : 0;
	return has(w->data, st) ? -EBUSY : 0;
}

static int check_directory(struct walk *w)
{
	struct stat st;

	if (fstat(w->fd, &st) < 0)
		return -errno;
	return has(w->data, &st) ? -EBUSY : 0;
}

bool held_is_in_use(const struct held *h, int dir_fd, const char *name)
{
	static const struct walk_ops ops = { .file = check_file, .leave = check_directory };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, (void *)h);

	return walk_all(&w, dir_fd, name) < 0;
}
