/* SPDX-License-Identifier: MIT */
#include "layer/seen.h"

#include <time.h>

#include "basic/macro.h"

#define SECOND 1000000000
#define TICK   10000000 /* ns; at least what the kernel's time stamps are rounded to */

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * SECOND + t->tv_nsec;
}

struct stamp stamp_of(const struct stat *st)
{
	/* Small ext4 file systems round to seconds: their inodes have no room for more. */
	int64_t tick = st->st_ctim.tv_nsec == 0 ? SECOND + TICK : TICK, age;
	struct stamp s = { st->st_dev, st->st_ino, nanoseconds(&st->st_ctim) };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	age = nanoseconds(&now) - nanoseconds(&st->st_ctim);
	if (age > -TICK && age < tick)
		s.changed = 0;
	return s;
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b)
{
	return a->changed != 0 && a->changed == b->changed && a->dev == b->dev && a->ino == b->ino;
}

struct seen *seen_new(struct seen **last, struct seen *parent, struct path_node *node)
{
	struct seen *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct seen){ .node = path_node_ref(node),
			    .sibling = parent ? parent->child : NULL,
			    .older = *last };
	if (parent)
		parent->child = s;
	return *last = s;
}

/* In a loop: there may be more directories in each other than the stack has room. */
void seen_free(struct seen *last)
{
	while (last) {
		struct seen *s = last;

		last = s->older;
		names_done(&s->names);
		path_node_unref(s->node);
		free(s);
	}
}
