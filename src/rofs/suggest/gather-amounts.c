/* SPDX-License-Identifier: MIT */
/* What is at a path, and how much of it would be copied. */
#include <string.h>

#include "basic/io.h"
#include "layer/walk.h"
#include "rofs/suggest/gather.h"
#include "software/software.h"

#define ENTRIES_MAX 200000u /* enough to know that it is much */

struct measuring {
	struct machine_path *path;
	size_t entries;
};

static int count(struct walk *w, const char *name, const struct stat *st)
{
	struct measuring *x = w->data;

	if (S_ISREG(st->st_mode) && software_file_counts(x->path->suffix, name))
		x->path->bytes += (uint64_t)st->st_size;
	return ++x->entries < ENTRIES_MAX ? 0 : -E2BIG;
}

/* What cannot be read ends it: then it is at least what was counted. */
static int measure(struct machine_path *p, int fd)
{
	static const struct walk_ops ops = { .file = count };
	struct measuring x = { .path = p };
	struct walk w = WALK_INIT(&ops, &x);
	int err = walk_tree(&w, fd, -1);

	walk_done(&w);
	if (err == -ENOMEM)
		return err;
	p->incomplete = err < 0;
	return 0;
}

static int is_something(_unused_ void *data, const char *name)
{
	/* mkfs.ext4 makes it. */
	return strcmp(name, "lost+found") == 0 ? 0 : -ENOTEMPTY;
}

static int look(const struct rootfs *r, const char *path, enum path_found *ret)
{
	struct stat st;
	int err;

	*ret = FOUND_NOTHING;
	err = rootfs_stat(r, path, &st);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	*ret = FOUND_OTHER;
	if (!S_ISDIR(st.st_mode))
		return 0;
	err = each_name(rootfs_open_dir(r, path), is_something, NULL);
	*ret = err == 0 ? FOUND_EMPTY : FOUND_CONTENT;
	return err == -ENOMEM ? err : 0;
}

static int look_and_measure(const struct rootfs *r, struct machine_path *p)
{
	int err = look(r, p->path, &p->found), fd;

	if (err < 0 || p->found != FOUND_CONTENT)
		return err;
	fd = rootfs_open_dir(r, p->path);
	if (fd == -ENOMEM)
		return fd;
	p->incomplete = fd < 0;
	return fd < 0 ? 0 : measure(p, fd);
}

int gather_amounts(const struct loaded *l, struct machine *m)
{
	for (size_t i = 0; i < m->n_paths; i++) {
		int err = look_and_measure(&l->root, &m->paths[i]);

		if (err < 0)
			return err;
	}
	return 0;
}
