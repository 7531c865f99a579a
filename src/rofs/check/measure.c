/* SPDX-License-Identifier: MIT */
#include "rofs/check/measure.h"

#include <errno.h>

#include "basic/macro.h"
#include "layer/walk.h"
#include "software/software.h"

#define ENTRIES_MAX 200000u /* enough to know that it is much */

static int count(struct amount *x)
{
	return ++x->entries < ENTRIES_MAX ? 0 : -E2BIG;
}

static int count_file(struct walk *w, const char *name, const struct stat *st)
{
	struct amount *x = w->data;

	if (S_ISREG(st->st_mode) && software_file_counts(x->suffix, name))
		x->bytes += (uint64_t)st->st_size;
	return count(x);
}

static int count_directory(struct walk *w, _unused_ const char *name, _unused_ int *ret_fd)
{
	return count(w->data);
}

static int pass_over(struct walk *w, _unused_ const char *name, int err)
{
	struct amount *x = w->data;

	x->incomplete = true;
	return err == -ENOMEM ? err : count(x);
}

int measure(struct amount *x, int fd)
{
	static const struct walk_ops ops = {
		.file = count_file,
		.enter = count_directory,
		.unreadable = pass_over,
	};
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, x);
	int err = fd < 0 ? fd : walk_tree(&w, fd, -1);

	x->incomplete = x->incomplete || err < 0;
	return err == -ENOMEM ? err : 0;
}
