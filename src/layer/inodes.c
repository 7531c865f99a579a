/* SPDX-License-Identifier: MIT */
#include "layer/inodes.h"

#include <search.h>

#include "basic/macro.h"

void inodes_done(struct inodes *all)
{
	tdestroy(all->tree, free);
	*all = (struct inodes){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

int inodes_find(struct inodes *all, const struct stat *st, struct inode **ret)
{
	struct inode *new = malloc(sizeof(*new));
	struct inode **found;

	if (!new)
		return -ENOMEM;
	*new = (struct inode){ st->st_dev, st->st_ino, all->n, st->st_nlink };
	found = tsearch(new, &all->tree, compare);
	if (!found || *found != new)
		free(new);
	if (!found)
		return -ENOMEM;

	*ret = *found;
	if (*found != new)
		return 0;
	all->n++;
	return 1;
}
