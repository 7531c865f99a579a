/* SPDX-License-Identifier: MIT */
/* What is at a path, and how much of it would be copied. */
#include <string.h>

#include "basic/io.h"
#include "rofs/check/measure.h"
#include "rofs/suggest/gather.h"

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
	struct amount x = { .suffix = p->suffix };
	int err = look(r, p->path, &p->found);

	if (err < 0 || p->found != FOUND_CONTENT)
		return err;
	err = measure(&x, rootfs_open_dir(r, p->path));
	p->bytes = x.bytes;
	p->incomplete = x.incomplete;
	return err;
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
