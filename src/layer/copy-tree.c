/* SPDX-License-Identifier: MIT */
#include "layer/copy-tree.h"

#include <fcntl.h>
#include <stdbool.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/attributes.h"
#include "layer/copy-file.h"
#include "layer/inodes.h"
#include "layer/walk.h"

/* What a walk that measures has found so far. */
struct measure {
	uint64_t block;
	struct inodes inodes;
	struct copy_size size;
};

/* A file with holes stores less than its size; one of a few bytes may store a block. */
static uint64_t blocks_of(const struct measure *m, const struct stat *st)
{
	uint64_t stored = (uint64_t)st->st_blocks * 512, size = (uint64_t)st->st_size;

	if (stored < size)
		size = stored;
	return (size + m->block - 1) / m->block * m->block;
}

static int measure_file(struct walk *w, const char *name _unused_, const struct stat *st)
{
	struct measure *m = w->data;
	struct inode *inode;
	int new = 1;

	if (S_ISSOCK(st->st_mode))
		return 0;
	if (st->st_nlink > 1)
		new = inodes_find(&m->inodes, st, &inode);
	if (new <= 0)
		return new;

	m->size.inodes++;
	if (S_ISREG(st->st_mode))
		m->size.bytes += blocks_of(m, st);
	return 0;
}

static int measure_directory(struct walk *w)
{
	struct measure *m = w->data;

	m->size.inodes++;
	m->size.bytes += m->block;
	return 0;
}

int copy_tree_measure(int dir_fd, const char *name, uint64_t block, struct copy_size *ret)
{
	static const struct walk_ops ops = { .file = measure_file, .leave = measure_directory };
	struct measure m = { .block = block ? block : 1 };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, &m);
	int err = walk_all(&w, dir_fd, name);

	inodes_done(&m.inodes);
	if (err < 0)
		return err;
	*ret = m.size;
	return 0;
}

/*
 * A file with several names is copied for the first of them, and gets a name in the directory for
 * links: there it is found again from anywhere in the tree.
 */
struct copy {
	int links_fd;
	struct inodes inodes;
	struct failure *failure;
};

static int copy_first_name(struct walk *w, const char *name, const struct stat *st, const char *id)
{
	const struct copy *c = w->data;
	int err = copy_file(w->fd, name, w->to_fd, name, st, c->failure);

	if (err < 0)
		return err;
	if (linkat(w->to_fd, name, c->links_fd, id, 0) < 0)
		return failure_note(c->failure, "make a further name for");
	return 0;
}

static int link_further_name(struct walk *w, const char *name, const char *id, bool last)
{
	const struct copy *c = w->data;
	int r;

	/* The last one takes that name: no file ever has more names than its original may have. */
	r = last ? renameat(c->links_fd, id, w->to_fd, name) :
		   linkat(c->links_fd, id, w->to_fd, name, 0);
	return r < 0 ? failure_note(c->failure, FAILURE_CREATE) : 0;
}

static int copy_linked(struct walk *w, const char *name, const struct stat *st)
{
	struct copy *c = w->data;
	struct inode *inode;
	char id[16];
	int new = inodes_find(&c->inodes, st, &inode);

	if (new < 0)
		return new;
	if (inode->names == 0) /* more names than it said */
		return copy_file(w->fd, name, w->to_fd, name, st, c->failure);
	inode->names--;
	snprintf(id, sizeof(id), "%u", inode->id);
	return new ? copy_first_name(w, name, st, id) :
		     link_further_name(w, name, id, inode->names == 0);
}

static int copy_entry(struct walk *w, const char *name, const struct stat *st)
{
	const struct copy *c = w->data;

	if (S_ISSOCK(st->st_mode))
		return 0;
	if (st->st_nlink > 1)
		return copy_linked(w, name, st);
	return copy_file(w->fd, name, w->to_fd, name, st, c->failure);
}

static int make_copy_of_directory(int dir_fd, const char *name, struct failure *f)
{
	if (mkdirat(dir_fd, name, 0700) < 0)
		return failure_note(f, FAILURE_CREATE);
	return open_dir_at(dir_fd, name);
}

static int enter_copy(struct walk *w, const char *name, int *ret_fd)
{
	const struct copy *c = w->data;
	int fd = make_copy_of_directory(w->to_fd, name, c->failure);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* When all is in it, since that changes its time. */
static int finish_copy_of_directory(struct walk *w)
{
	const struct copy *c = w->data;

	return attributes_copy(w->fd, w->to_fd, c->failure);
}

static int copy_directory(struct walk *w, int from_fd, const char *from, int to_fd, const char *to)
{
	_cleanup_close_ int fd = open_dir_at(from_fd, from), copy_fd = -1;

	if (fd < 0)
		return fd;
	copy_fd = make_copy_of_directory(to_fd, to, ((struct copy *)w->data)->failure);
	if (copy_fd < 0)
		return copy_fd;
	return walk_tree(w, TAKE_FD(fd), TAKE_FD(copy_fd));
}

int copy_tree(int from_fd, const char *from, int to_fd, const char *to, int links_fd,
	      struct failure *ret, char **ret_where)
{
	static const struct walk_ops ops = { .file = copy_entry,
					     .enter = enter_copy,
					     .leave = finish_copy_of_directory };
	struct copy c = { .links_fd = links_fd, .failure = ret };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, &c);
	struct stat st;
	int err;

	*ret = (struct failure){ 0 };
	*ret_where = NULL;
	if (fstatat(from_fd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return copy_file(from_fd, from, to_fd, to, &st, ret);

	err = copy_directory(&w, from_fd, from, to_fd, to);
	inodes_done(&c.inodes);
	if (err < 0 && walk_where(&w, ret_where) < 0)
		*ret_where = NULL;
	return err;
}

static int remove_file(struct walk *w, const char *name, const struct stat *st _unused_)
{
	return unlinkat(w->fd, name, 0) < 0 ? -errno : 0;
}

static int remove_directory(struct walk *w, const char *name)
{
	return unlinkat(w->fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int copy_tree_remove(int dir_fd, const char *name)
{
	static const struct walk_ops ops = { .file = remove_file, .left = remove_directory };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, NULL);
	int err = walk_all(&w, dir_fd, name);

	if (err == -ENOENT && w.n_frames == 0)
		return 0;
	if (err < 0 || w.n_frames == 0)
		return err;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
