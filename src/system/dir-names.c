/* SPDX-License-Identifier: MIT */
#include "system/dir-names.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"

struct reading {
	const char *pattern;
	int flags;
	size_t max;
	struct dir_names *names;
};

static int add_name(void *data, const char *name)
{
	const struct reading *x = data;
	struct dir_names *names = x->names;

	if (names->n >= x->max || fnmatch(x->pattern, name, x->flags) != 0)
		return 0;
	if (array_reserve(names->list, names->n) < 0)
		return -ENOMEM;
	names->list[names->n] = strdup(name);
	return names->list[names->n] ? (int)(names->n++, 0) : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int dir_names_read(const struct rootfs *r, const char *dir, const char *pattern, int flags,
		   size_t max, struct dir_names *ret)
{
	struct reading x = { pattern, flags, max, ret };

	if (rootfs_note(r, each_name(rootfs_open_dir(r, dir), add_name, &x)) == -ENOMEM)
		return -ENOMEM;
	if (ret->n > 1)
		qsort(ret->list, ret->n, sizeof(*ret->list), compare);
	return 0;
}

void dir_names_done(struct dir_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct dir_names){ 0 };
}
