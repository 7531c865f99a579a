/* SPDX-License-Identifier: MIT */
#include "layer/upper-levels.h"

#include <sys/resource.h>

#include "basic/io.h"

#define HELD_MAX     32u /* levels, two descriptors each */
#define OTHER_FDS    32u /* that a process which reads layers needs besides */
#define DESCENTS_MAX 16u

/* How many levels may stay open, so that descriptors are left for everything else. */
static size_t levels_to_hold(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OTHER_FDS + 2 * HELD_MAX)
		return HELD_MAX;
	return limit.rlim_cur > OTHER_FDS + 2 ? (limit.rlim_cur - OTHER_FDS) / 2 : 1;
}

void levels_init(struct levels *w, const struct upper_layer *l)
{
	*w = (struct levels){ .layer = l, .held_max = levels_to_hold() };
}

/* All-zero, which no directory is, where that fails. */
static struct identity identity_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return (struct identity){ 0 };
	return (struct identity){ st.st_dev, st.st_ino };
}

static void level_dir_close(struct level_dir *p)
{
	if (p->fd < 0)
		return;
	p->is = identity_of(p->fd);
	close(TAKE_FD(p->fd));
}

static void level_done(struct level *f)
{
	closep(&f->upper.fd);
	closep(&f->lower.fd);
	names_done(&f->names);
}

/*
 * Few descriptors are open at any depth: the way back to a directory that was closed is "..". Below
 * one that the lower does not have there is no such way, so the last one that it has stays open.
 */
static void close_distant(struct levels *w)
{
	struct level *f;

	if (w->depth <= w->held_max)
		return;
	f = &w->list[w->depth - 1 - w->held_max];
	level_dir_close(&f->upper);
	if (f[1].lower.exists)
		level_dir_close(&f->lower);
}

int levels_enter(struct levels *w, struct found *d, size_t path_len)
{
	if (array_reserve(w->list, w->depth) < 0)
		return -ENOMEM;
	w->list[w->depth++] =
		(struct level){ .dir = d->dir,
				.path_len = path_len,
				.child = d->dir->child,
				.names = TAKE_STRUCT(d->names),
				.upper = { .fd = TAKE_FD(d->upper_fd), .exists = true },
				.lower = { .fd = d->lower_fd, .exists = d->lower_fd >= 0 },
				.lower_error = d->lower_error,
				.opaque = d->opaque };
	d->lower_fd = -1;
	close_distant(w);
	return 0;
}

/* Opens @name in @dir_fd, which is @is. Returns the descriptor, or -errno. */
static int open_known(int dir_fd, const char *name, const struct identity *is)
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, name);
	struct identity found;

	if (fd < 0)
		return fd;
	found = identity_of(fd);
	return found.dev == is->dev && found.ino == is->ino ? TAKE_FD(fd) : -ESTALE;
}

/* The directory of the last level, step by step from the overlay's root: somebody has moved it. */
static int walk_down(struct levels *w, int root_fd, const struct identity *is)
{
	_cleanup_close_ int fd = open_dir_at(root_fd, ".");

	if (w->descents++ >= DESCENTS_MAX)
		return -ESTALE;
	for (size_t i = 1; i < w->depth && fd >= 0; i++) {
		int next = open_dir_at(fd, w->list[i].dir->node->name);

		close(fd);
		fd = next;
	}
	return fd < 0 ? fd : open_known(fd, ".", is);
}

static int reopen(struct levels *w, struct level_dir *p, int child_fd, int root_fd)
{
	if (!p->exists || p->fd >= 0)
		return 0;
	p->fd = child_fd < 0 ? -ESTALE : open_known(child_fd, "..", &p->is);
	if (is_race(p->fd))
		p->fd = walk_down(w, root_fd, &p->is);
	return p->fd < 0 ? p->fd : 0;
}

int levels_leave(struct levels *w)
{
	struct level child = w->list[--w->depth], *f = levels_last(w);
	int err = 0;

	if (f)
		err = reopen(w, &f->upper, child.upper.fd, w->layer->upper_fd);
	if (f && err >= 0)
		err = reopen(w, &f->lower, child.lower.fd, w->layer->lower_fd);
	level_done(&child);
	return err;
}

void levels_done(struct levels *w)
{
	while (w->depth > 0)
		level_done(&w->list[--w->depth]);
	free(w->list);
}
