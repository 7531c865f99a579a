/* SPDX-License-Identifier: MIT */
/* An upper layer becomes a part of the lower: nothing of overlayfs may be left in it. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/overlay-attributes.h"
#include "layer/change.h"
#include "layer/chattr.h"
#include "layer/walk.h"
#include "rofs/chroot/delta.h"

#define LIST_MAX 65536u /* XATTR_LIST_MAX of the kernel */

/* The longest name of overlayfs's own, and more. */
#define FEW 512u

static int set_flags(const char *path, const char *letters, ssize_t n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return chattr_set(fd, chattr_read(fd) | delta_flags_of_letters(letters, n));
}

static bool is_of_overlay(const char *name)
{
	return strncmp(name, OVERLAY_ATTRIBUTE_PREFIX, strlen(OVERLAY_ATTRIBUTE_PREFIX)) == 0;
}

static int remove_attributes(const char *path, const char *names, ssize_t n)
{
	for (const char *s = names; s < names + n; s += strlen(s) + 1)
		if (is_of_overlay(s) && removexattr(path, s) < 0 && errno != ENODATA)
			return -errno;
	return 0;
}

static int strip_path(const char *path)
{
	char few[FEW], letters[DELTA_LETTERS_MAX];
	_cleanup_free_ char *many = NULL;
	char *names = few;
	ssize_t n = listxattr(path, few, sizeof(few)), n_letters;
	int err;

	if (n < 0 && errno == ERANGE) {
		names = many = malloc(LIST_MAX);
		if (!many)
			return -ENOMEM;
		n = listxattr(path, many, LIST_MAX);
	}
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;

	n_letters = getxattr(path, OVERLAY_ATTRIBUTE_FLAGS, letters, sizeof(letters));
	err = remove_attributes(path, names, n);
	return err < 0 || n_letters <= 0 ? err : set_flags(path, letters, n_letters);
}

/* By a descriptor: the name could be one of a link. */
static int strip(int dir_fd, const char *name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : strip_path(fd_name(fd).path);
}

static int strip_file(int dir_fd, const char *name, const struct stat *st, struct delta *c)
{
	if (S_ISREG(st->st_mode))
		c->bytes += (uint64_t)st->st_blocks * 512;
	return strip(dir_fd, name);
}

/* The directory keeps its time. */
static int remove_quietly(int dir_fd, const char *name)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(dir_fd, &st) < 0 || unlinkat(dir_fd, name, 0) < 0)
		return -errno;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return futimens(dir_fd, times) < 0 ? -errno : 0;
}

static int clean_file(struct walk *w, const char *name, const struct stat *st)
{
	struct delta *c = w->data;

	if (change_is_whiteout(st) || S_ISSOCK(st->st_mode))
		return remove_quietly(w->fd, name);
	c->added++;
	return strip_file(w->fd, name, st, c);
}

static int clean_directory(struct walk *w)
{
	return strip(w->fd, ".");
}

static int clean_whole(int upper_fd, const char *path, struct delta *c)
{
	static const struct walk_ops ops = { .file = clean_file, .leave = clean_directory };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, c);
	int fd = open_beneath(upper_fd, path, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? fd : walk_tree(&w, fd, -1);
}

static int clean_new(int upper_fd, const char *path, struct delta *c)
{
	const char *name;
	_cleanup_close_ int dir = open_parent_beneath(upper_fd, path, &name);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? clean_whole(upper_fd, path, c) : strip_file(dir, name, &st, c);
}

int delta_clean(int upper_fd, struct delta *c)
{
	int err = 0;

	for (size_t i = 0; i < c->n && err >= 0; i++)
		if (c->entries[i].kind == DELTA_NEW)
			err = clean_new(upper_fd, c->entries[i].path, c);
	return err;
}
