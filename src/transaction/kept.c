/* SPDX-License-Identifier: MIT */
#include "transaction/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/path.h"
#include "layer/copy-tree.h"
#include "transaction/boot-id.h"
#include "transaction/copies.h"
#include "transaction/names.h"
#include "transaction/place.h"
#include "transaction/window.h"

/* Files smaller than this take one as well. */
#define BLOCK_BYTES 4096u

void kept_done(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		record_done(&k->records[i]);
	for (size_t i = 0; i < k->n_paths; i++)
		free(k->paths[i].path);
	free(k->records);
	free(k->paths);
	*k = (struct kept){ 0 };
}

static bool exists(int base_fd, const char *name)
{
	struct place_file f;

	return place_look(base_fd, name, &f) >= 0 && f.exists;
}

static int add_record(struct kept *k, struct record *r)
{
	if (array_reserve(k->records, k->n) < 0)
		return -ENOMEM;
	k->records[k->n++] = TAKE_STRUCT(*r);
	return 0;
}

static int read_one(struct kept *k, int base_fd, unsigned number, const char *boot)
{
	_cleanup_record_ struct record r = { 0 };
	char name[NAME_SIZE];
	_cleanup_close_ int fd = open_dir_at(base_fd, name_of(name, NAME_KEPT, number));
	int err;

	/* Something else of that name is none. */
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	err = record_read(fd, &r);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || strcmp(r.boot, boot) != 0)
		return 0;
	return add_record(k, &r);
}

static int read_marks(struct kept *k, int base_fd)
{
	_cleanup_name_list_ struct name_list pending = { 0 };
	int err = name_list_read(base_fd, NAME_PENDING, &pending);

	k->unfinished = exists(base_fd, NAME_COMMIT) || pending.n > 0 || copies_exist(base_fd);
	k->maintenance = exists(base_fd, NAME_MAINTENANCE);
	return err;
}

static int add_path(struct kept *k, const struct record *r, const struct record_entry *e)
{
	struct kept_path *p;

	if (!record_is_change(e))
		return 0;
	if (array_reserve(k->paths, k->n_paths) < 0)
		return -ENOMEM;
	p = &k->paths[k->n_paths];
	if (record_user_path(r, e, &p->path) < 0)
		return -ENOMEM;
	p->record = r;
	p->entry = e;
	p->is_whole = e->operation != RECORD_ATTRIBUTES;
	k->n_paths++;
	return 0;
}

/* By path, and of one path by the number of the transaction. */
static int compare(const void *left, const void *right)
{
	const struct kept_path *a = left, *b = right;
	int r = path_compare(a->path, b->path);

	if (r != 0)
		return r;
	if (a->is_whole != b->is_whole)
		return a->is_whole ? 1 : -1;
	return (a->record->number > b->record->number) - (a->record->number < b->record->number);
}

static const struct record *later(const struct record *a, const struct record *b)
{
	return !a || (b && b->number > a->number) ? b : a;
}

/* Those above a path are the one before it, or those at or above that. */
static void set_outer(struct kept *k)
{
	for (size_t i = 0; i < k->n_paths; i++) {
		struct kept_path *p = &k->paths[i];

		p->outer = i > 0 ? i - 1 : SIZE_MAX;
		while (p->outer != SIZE_MAX &&
		       !path_is_at_or_below(p->path, k->paths[p->outer].path))
			p->outer = k->paths[p->outer].outer;
		p->latest = later(p->is_whole ? p->record : NULL,
				  p->outer == SIZE_MAX ? NULL : k->paths[p->outer].latest);
	}
}

static int index_paths(struct kept *k)
{
	int err = 0;

	for (size_t i = 0; i < k->n; i++)
		for (size_t j = 0; j < k->records[i].n_entries && err >= 0; j++)
			err = add_path(k, &k->records[i], &k->records[i].entries[j]);
	if (err >= 0 && k->n_paths > 1)
		qsort(k->paths, k->n_paths, sizeof(*k->paths), compare);
	if (err >= 0)
		set_outer(k);
	return err;
}

static int read_all(struct kept *k, int base_fd, const char *boot)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	int err = name_list_read(base_fd, NAME_KEPT, &list);

	for (size_t i = 0; i < list.n && err >= 0; i++)
		err = read_one(k, base_fd, list.numbers[i], boot);
	return err < 0 ? err : index_paths(k);
}

int kept_read_base(int base_fd, const char *boot, struct kept *ret)
{
	_cleanup_kept_ struct kept k = { 0 };
	int err = read_all(&k, base_fd, boot);

	if (err >= 0)
		*ret = TAKE_STRUCT(k);
	return err;
}

static int open_base(int root_fd, struct timespec *ret_changed)
{
	_cleanup_close_ int fd = open_dir_at(root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_changed = st.st_ctim;
	return TAKE_FD(fd);
}

int kept_changed(int root_fd, struct timespec *ret)
{
	_cleanup_close_ int fd = open_base(root_fd, ret);

	return fd >= 0 ? 1 : fd == -ENOENT ? 0 : fd;
}

int kept_read_records(int root_fd, struct kept *ret)
{
	struct kept k = { 0 };
	char boot[BOOT_ID_SIZE] = "";
	_cleanup_close_ int fd = open_base(root_fd, &k.changed);
	int err;

	*ret = k;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* Without it, none is of this boot. */
	err = boot_id_read(root_fd, boot);
	if (err < 0 && err != -ENOENT)
		return err;
	err = read_marks(&k, fd);
	if (err >= 0)
		err = read_all(&k, fd, boot);
	if (err < 0) {
		kept_done(&k);
		return err;
	}
	*ret = k;
	return 0;
}

/* Lower bound: what cannot be read now may be removed by a window. */
static uint64_t measure(int base_fd, unsigned number)
{
	struct copy_size size;
	char name[NAME_SIZE];
	int err = copy_tree_measure(base_fd, name_of(name, NAME_KEPT, number), BLOCK_BYTES, &size);

	return err < 0 ? 0 : size.bytes;
}

int kept_measure(int root_fd, uint64_t *ret)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	_cleanup_close_ int fd = open_dir_at(root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);
	int err = fd < 0 ? fd : name_list_read(fd, NAME_KEPT, &list);

	*ret = 0;
	for (size_t i = 0; i < list.n; i++)
		*ret += measure(fd, list.numbers[i]);
	return err == -ENOENT ? 0 : err;
}

/* The first path that is not before this one. */
static size_t lower_bound(const struct kept *k, const char *path)
{
	return path_count_before(k->paths, k->n_paths, sizeof(*k->paths), path);
}

/* Whoever makes deep directories is not to make this take time: the directories above are not looked up. */
const struct record *kept_find(const struct kept *k, const char *path)
{
	size_t at = lower_bound(k, path), above = at > 0 ? at - 1 : SIZE_MAX;
	const struct record *found = NULL;

	while (above != SIZE_MAX && !path_is_below(path, k->paths[above].path))
		above = k->paths[above].outer;
	if (above != SIZE_MAX)
		found = k->paths[above].latest;
	for (; at < k->n_paths && strcmp(k->paths[at].path, path) == 0; at++)
		found = later(found, k->paths[at].record);
	return found;
}

bool kept_has_below(const struct kept *k, const char *path, enum transaction_kind kind)
{
	for (size_t i = lower_bound(k, path);
	     i < k->n_paths && path_is_at_or_below(k->paths[i].path, path); i++) {
		const struct record *r = kept_find(k, k->paths[i].path);

		if (r && r->kind == kind)
			return true;
	}
	return false;
}
