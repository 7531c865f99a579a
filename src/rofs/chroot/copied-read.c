/* SPDX-License-Identifier: MIT */
/* What differs between a copy and its original. Names count as the original takes them: vfat ignores case. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/strbuf.h"
#include "layer/walk.h"
#include "rofs/chroot/copied.h"
#include "transaction/copies.h"

struct comparing {
	struct delta *delta;
	int other_fd;	    /* the other tree */
	bool in_copy;	    /* the walk is in the copy: it finds what is new; else what is gone */
	struct strbuf path; /* of the current directory, "" or ending in a slash */
	int here_fd;
};

static int add(struct comparing *c, enum delta_kind kind, const char *name)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct delta *d = c->delta;
	char *path;

	strbuf_add(&b, c->path.text ? c->path.text : "");
	strbuf_add(&b, name);
	if (array_reserve(d->entries, d->n) < 0 || strbuf_take(&b, &path) < 0)
		return -ENOMEM;
	d->entries[d->n++] = (struct delta_entry){ kind, path };
	return 0;
}

static int is_different(const struct comparing *c, const char *name, const struct stat *st,
			const char *path, const struct stat *other)
{
	_cleanup_close_ int a = -1, b = -1;

	if (!S_ISREG(other->st_mode) || other->st_size != st->st_size)
		return 1;
	a = openat(c->here_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (a < 0)
		return -errno;
	b = open_beneath(c->other_fd, path, O_RDONLY | O_NONBLOCK);
	return b < 0 ? b : copies_differ(a, b);
}

/* The path of a name in the current directory, valid until the next call. NULL without memory. */
static const char *path_of(struct comparing *c, const char *name, size_t *ret_len)
{
	*ret_len = c->path.len;
	strbuf_add(&c->path, name);
	return c->path.failed ? NULL : c->path.text;
}

static void cut(struct comparing *c, size_t len)
{
	c->path.len = len;
	c->path.text[len] = '\0';
}

/* Returns 1 when it exists in the other tree, 0, or -errno. */
static int look(struct comparing *c, const char *name, const struct stat *st, bool *ret_differs)
{
	struct stat other;
	size_t len;
	const char *path = path_of(c, name, &len);
	int r;

	if (!path)
		return -ENOMEM;
	r = fstatat(c->other_fd, path, &other, AT_SYMLINK_NOFOLLOW) == 0 ? 1 :
	    errno == ENOENT || errno == ENOTDIR				 ? 0 :
									   -errno;
	*ret_differs = false;
	if (r > 0 && st) {
		int differs = is_different(c, name, st, path, &other);

		*ret_differs = differs > 0;
		r = differs < 0 ? differs : r;
	}
	if (r > 0 && !st)
		*ret_differs = !S_ISDIR(other.st_mode);
	cut(c, len);
	return r;
}

static int leave_out(struct comparing *c, const char *name)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct delta *d = c->delta;
	char *path;

	strbuf_add(&b, c->path.text ? c->path.text : "");
	strbuf_add(&b, name);
	if (array_reserve(d->left_out, d->n_left_out) < 0 || strbuf_take(&b, &path) < 0)
		return -ENOMEM;
	d->left_out[d->n_left_out++] = path;
	return 0;
}

static int file(struct walk *w, const char *name, const struct stat *st)
{
	struct comparing *c = w->data;
	bool differs;
	int there;

	c->here_fd = w->fd;
	if (c->in_copy && !S_ISREG(st->st_mode))
		return leave_out(c, name);
	there = look(c, name, c->in_copy ? st : NULL, &differs);
	if (there < 0 || (there && (!c->in_copy || !differs)))
		return there < 0 ? there : 0;
	if (!c->in_copy) {
		c->delta->removed++;
		return add(c, DELTA_GONE, name);
	}
	if (there)
		c->delta->changed++;
	else
		c->delta->added++;
	c->delta->bytes += (uint64_t)st->st_size;
	return add(c, DELTA_NEW, name);
}

static int enter(struct walk *w, const char *name, int *ret_fd _unused_)
{
	struct comparing *c = w->data;
	bool differs;
	int there = look(c, name, NULL, &differs), err = 0;

	if (there < 0)
		return there;
	/* What has another type is new, and takes the place of the other one. */
	if (!there || (c->in_copy && differs))
		err = add(c, c->in_copy ? DELTA_NEW : DELTA_GONE, name);
	strbuf_add(&c->path, name);
	strbuf_add_char(&c->path, '/');
	return c->path.failed ? -ENOMEM : err;
}

static int left(struct walk *w, const char *name)
{
	struct comparing *c = w->data;

	cut(c, c->path.len - strlen(name) - 1);
	return 0;
}

static int compare(int fd, int other_fd, bool in_copy, struct delta *ret)
{
	static const struct walk_ops ops = { .file = file, .enter = enter, .left = left };
	struct comparing c = { .delta = ret, .other_fd = other_fd, .in_copy = in_copy };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, &c);
	int err = walk_all(&w, fd, ".");

	strbuf_done(&c.path);
	return err;
}

int copied_read(struct chroot_system *s)
{
	_cleanup_close_ int copy = open_dir_at(s->layers_fd, CHROOT_UPPER);
	int err = copy < 0 ? copy : compare(copy, s->fd, true, &s->delta);

	return err < 0 ? err : compare(s->fd, copy, false, &s->delta);
}
