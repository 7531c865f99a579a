/* SPDX-License-Identifier: MIT */
/* What a power cut has left to be done on a file system such as vfat. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/copy-tree.h"
#include "layer/names.h"
#include "transaction/copies.h"
#include "transaction/names.h"
#include "transaction/place.h"

bool copies_exist_in(int dir_fd)
{
	struct stat st;

	return fstatat(dir_fd, COPIES_DIR, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of the two kinds of directories that can have copies. */
static bool exist(int base_fd, const char *kind)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	bool found = name_list_read(base_fd, kind, &list) < 0;

	for (size_t i = 0; i < list.n && !found; i++) {
		char name[NAME_SIZE];
		_cleanup_close_ int fd = open_dir_at(base_fd, name_of(name, kind, list.numbers[i]));

		found = fd >= 0 && copies_exist_in(fd);
	}
	return found;
}

bool copies_exist(int base_fd)
{
	return exist(base_fd, NAME_KEPT) || exist(base_fd, NAME_PENDING);
}

static int complete(int dir_fd, int fs_fd, struct copies_list *l)
{
	_cleanup_close_ int new_fd = open_dir_at(dir_fd, COPIES_NEW);
	const char *where;
	int err = new_fd < 0 ? new_fd : copies_forget(fs_fd);

	if (err >= 0)
		err = copies_write(new_fd, fs_fd, l, true, &where);
	return err < 0 ? err : copies_switch(fs_fd, l);
}

/* Returns 1 if it is about this file system, 0 or -errno. */
static int finish_one(int copies_fd, const char *name, int fs_fd, const char *where)
{
	_cleanup_close_ int dir = open_dir_at(copies_fd, name);
	_cleanup_copies_list_ struct copies_list l = { 0 };
	int err = dir < 0 ? dir : copies_list_read(dir, &l);

	if (err < 0 || strcmp(l.where, where) != 0)
		return err == -ENOENT ? 0 : err;
	err = complete(dir, fs_fd, &l);
	return err < 0 ? err : 1;
}

static int finish_all(int copies_fd, int fs_fd, const char *where)
{
	struct names names = { 0 };
	int err = names_read(copies_fd, &names), found = 0;

	for (size_t i = 0; i < names.n && err >= 0; i++) {
		int r = finish_one(copies_fd, names.sorted[i], fs_fd, where);

		found |= r > 0;
		err = r > 0 ? copy_tree_remove(copies_fd, names.sorted[i]) : r;
	}
	names_done(&names);
	return err < 0 ? err : found;
}

static int finish_transaction(int base_fd, const char *name, int fs_fd, const char *where)
{
	_cleanup_close_ int dir = open_dir_at(base_fd, name), copies = -1;
	int found;

	if (dir < 0)
		return dir;
	copies = open_dir_at(dir, COPIES_DIR);
	if (copies < 0)
		return copies == -ENOENT ? 0 : copies;
	found = finish_all(copies, fs_fd, where);
	/* A directory that is open when it is removed would keep the root from becoming read-only. */
	close(TAKE_FD(copies));
	/* ENOTEMPTY: another file system has yet to come. */
	if (found > 0)
		(void)unlinkat(dir, COPIES_DIR, AT_REMOVEDIR);
	return found;
}

static int finish_kind(int base_fd, const char *kind, int fs_fd, const char *where)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	int err = name_list_read(base_fd, kind, &list), found = 0;

	for (size_t i = 0; i < list.n && err >= 0; i++) {
		char name[NAME_SIZE];

		name_of(name, kind, list.numbers[i]);
		err = finish_transaction(base_fd, name, fs_fd, where);
		found |= err > 0;
	}
	return err < 0 ? err : found;
}

static int finish_below(int base_fd, int fs_fd, const char *where)
{
	int kept = finish_kind(base_fd, NAME_KEPT, fs_fd, where),
	    pending = kept < 0 ? kept : finish_kind(base_fd, NAME_PENDING, fs_fd, where), err;

	if (pending < 0)
		return pending;
	/* Only in this order is what is left always found at boot. */
	if ((kept || pending) && syncfs(base_fd) < 0)
		return -errno;
	err = copies_forget(fs_fd);
	return err < 0 ? err : kept || pending;
}

int copies_finish(const struct window *w, int fs_fd, const char *where)
{
	struct place root = PLACE_INIT;
	int r = place_open(&root, window_fd(w, 0), window_dir(w, 0));

	if (r >= 0)
		r = finish_below(root.base_fd, fs_fd, where);
	place_done(&root);
	return r;
}
