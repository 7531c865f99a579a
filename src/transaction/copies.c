/* SPDX-License-Identifier: MIT */
#include "transaction/copies.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "layer/copy-tree.h"

#define BLOCK 65536u

int copies_differ(int a, int b)
{
	_cleanup_free_ char *blocks = malloc((size_t)2 * BLOCK);

	if (!blocks)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(a, blocks, BLOCK), m = read(b, blocks + BLOCK, BLOCK);

		if (n < 0 || m < 0)
			return -errno;
		if (n != m || memcmp(blocks, blocks + BLOCK, (size_t)n) != 0)
			return 1;
		if (n == 0)
			return 0;
	}
}

static int copy_content(int from, int to)
{
	_cleanup_free_ char *block = malloc(BLOCK);

	if (!block)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(from, block, BLOCK);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		err = write_all(to, block, (size_t)n);
		if (err < 0)
			return err;
	}
}

/* The directory that @path is in, made if it does not exist. */
static int make_parent(int top_fd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return open_dir_at(top_fd, ".");
	dir = strndup(path, (size_t)(slash - path));
	return dir ? make_path(top_fd, dir, 0755) : -ENOMEM;
}

static int write_regular(int from, const struct stat *st, int beside_fd, const char *path)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
	const char *name;
	_cleanup_close_ int dir = make_parent(beside_fd, path, &name), to = -1;
	int err;

	if (dir < 0)
		return dir;
	to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (to < 0)
		return -errno;
	err = copy_content(from, to);
	return err < 0 ? err : futimens(to, times) < 0 ? -errno : 0;
}

/* Returns 1, 0 or -errno. */
static int is_there(int from, int fs_fd, const char *path)
{
	_cleanup_close_ int there = open_beneath(fs_fd, path, O_RDONLY | O_NONBLOCK);
	struct stat st;
	int r;

	if (there < 0 || fstat(there, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	r = copies_differ(from, there);
	if (r == 0)
		return 1;
	/* What the medium cannot read any more is written again. */
	return lseek(from, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int write_new(int new_fd, int fs_fd, int beside_fd, struct copies_entry *e, bool again)
{
	_cleanup_close_ int from = open_beneath(new_fd, e->path, O_RDONLY | O_NONBLOCK), dir = -1;
	struct stat st;
	int there;

	if (from < 0)
		return from;
	if (fstat(from, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		dir = make_path(beside_fd, e->path, 0755);
		return dir < 0 ? dir : 0;
	}
	there = again ? is_there(from, fs_fd, e->path) : 0;
	e->done = there > 0;
	return there != 0 ? there < 0 ? there : 0 : write_regular(from, &st, beside_fd, e->path);
}

int copies_write(int new_fd, int fs_fd, struct copies_list *l, bool again, const char **ret_where)
{
	_cleanup_close_ int beside = make_path(fs_fd, COPIES_BESIDE, 0700);

	*ret_where = COPIES_BESIDE;
	if (beside < 0)
		return beside;
	for (size_t i = 0; i < l->n; i++) {
		struct copies_entry *e = &l->entries[i];
		int err = e->gone ? 0 : write_new(new_fd, fs_fd, beside, e, again);

		*ret_where = e->path;
		if (err < 0)
			return err;
	}
	return syncfs(fs_fd) < 0 ? -errno : 0;
}

static bool is_directory(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int put(int fs_fd, int beside_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = open_parent_beneath(fs_fd, path, &name);
	bool wanted = is_directory(beside_fd, path), there;
	int err = 0;

	if (dir < 0)
		return dir;
	there = is_directory(dir, name);
	if (there && wanted)
		return 0;
	if (there != wanted)
		err = copy_tree_remove(dir, name);
	if (err < 0)
		return err;
	if (wanted)
		return make_dir(dir, name, 0755);
	return renameat(beside_fd, path, dir, name) < 0 ? -errno : 0;
}

static int take_away(int fs_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = open_parent_beneath(fs_fd, path, &name);

	if (dir < 0)
		return dir == -ENOENT || dir == -ENOTDIR ? 0 : dir;
	return copy_tree_remove(dir, name);
}

int copies_switch(int fs_fd, const struct copies_list *l)
{
	_cleanup_close_ int beside = open_beneath(fs_fd, COPIES_BESIDE, O_RDONLY | O_DIRECTORY);
	int err = beside < 0 ? beside : 0;

	for (size_t i = 0; i < l->n && err >= 0; i++) {
		const struct copies_entry *e = &l->entries[i];

		if (!e->done)
			err = e->gone ? take_away(fs_fd, e->path) : put(fs_fd, beside, e->path);
	}
	return err < 0 ? err : syncfs(fs_fd) < 0 ? -errno : 0;
}

int copies_forget(int fs_fd)
{
	return copy_tree_remove(fs_fd, COPIES_BESIDE_TOP);
}
