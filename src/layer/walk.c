/* SPDX-License-Identifier: MIT */
#include "layer/walk.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "layer/step-up.h"

/* A directory between the top of the tree and the place where the walk is. */
struct walk_frame {
	char *name;
	dev_t dev, to_dev;
	ino_t ino, to_ino;
	char **subdirs; /* not yet visited: those below next are done */
	size_t n_subdirs, next;
};

static void frame_done(struct walk_frame *f)
{
	for (size_t i = f->next; i < f->n_subdirs; i++)
		free(f->subdirs[i]);
	free(f->subdirs);
	free(f->name);
}

void walk_done(struct walk *w)
{
	while (w->n_frames > 0)
		frame_done(&w->frames[--w->n_frames]);
	free(w->frames);
	closep(&w->fd);
	closep(&w->to_fd);
}

static struct walk_frame *current(const struct walk *w)
{
	return &w->frames[w->n_frames - 1];
}

/* A copy, since it is asked for when the owner of @name is gone. */
static void set_at(struct walk *w, const char *name)
{
	snprintf(w->at, sizeof(w->at), "%s", name);
}

static int add_subdir(struct walk_frame *f, const char *name)
{
	char *copy;

	if (array_reserve(f->subdirs, f->n_subdirs) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;

	f->subdirs[f->n_subdirs++] = copy;
	return 0;
}

static int visit(void *data, const char *name)
{
	struct walk *w = data;
	struct stat st;

	set_at(w, name);
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return add_subdir(current(w), name);
	return w->ops->file(w, name, &st);
}

/* The files of the current directory; its directories are noted for later. */
static int visit_all(struct walk *w)
{
	int err = each_name(open_dir_at(w->fd, "."), visit, w);

	if (err >= 0)
		set_at(w, "");
	return err;
}

/* The walk goes on in @fd and, beside it, in @to_fd, which it takes over. */
static int descend(struct walk *w, const char *name, int fd, int to_fd)
{
	struct stat st, to = { 0 };

	closep(&w->fd);
	closep(&w->to_fd);
	w->fd = fd;
	w->to_fd = to_fd;
	if (fstat(fd, &st) < 0 || (to_fd >= 0 && fstat(to_fd, &to) < 0))
		return -errno;
	if (array_reserve(w->frames, w->n_frames) < 0)
		return -ENOMEM;

	w->frames[w->n_frames] = (struct walk_frame){ .name = strdup(name),
						      .dev = st.st_dev,
						      .ino = st.st_ino,
						      .to_dev = to.st_dev,
						      .to_ino = to.st_ino };
	if (!w->frames[w->n_frames].name)
		return -ENOMEM;
	w->n_frames++;
	return 0;
}

static int enter(struct walk *w, const char *name)
{
	_cleanup_close_ int fd = -1, to_fd = -1;
	bool mounted = mount_point_at(w->fd, name);
	int err;

	set_at(w, name);
	fd = open_dir_at(w->fd, name);
	if (fd < 0)
		return w->ops->unreadable ? w->ops->unreadable(w, name, fd) : fd;
	err = w->ops->enter ? w->ops->enter(w, name, &to_fd) : 0;
	if (err >= 0)
		err = descend(w, name, TAKE_FD(fd), TAKE_FD(to_fd));
	if (err < 0)
		return err;
	return mounted ? 0 : visit_all(w);
}

/* The next directory in the current one. Returns 1, 0 when there is none left, or -errno. */
static int go_down(struct walk *w)
{
	struct walk_frame *f = current(w);
	_cleanup_free_ char *name = NULL;
	int err;

	if (f->next == f->n_subdirs)
		return 0;
	name = f->subdirs[f->next++];
	err = enter(w, name);
	return err < 0 ? err : 1;
}

static int go_up(struct walk *w)
{
	const struct walk_frame *above = current(w) - 1;
	_cleanup_free_ char *name = NULL;
	int err = step_up(&w->fd, above->dev, above->ino);

	if (err >= 0 && w->to_fd >= 0)
		err = step_up(&w->to_fd, above->to_dev, above->to_ino);
	if (err < 0)
		return err;

	name = TAKE_PTR(current(w)->name);
	frame_done(current(w));
	w->n_frames--;
	set_at(w, name);
	err = w->ops->left ? w->ops->left(w, name) : 0;
	if (err >= 0)
		set_at(w, "");
	return err;
}

/* All that is below the current directory, and then its leave. */
static int finish(struct walk *w)
{
	int err;

	do
		err = go_down(w);
	while (err > 0);
	if (err < 0)
		return err;
	return w->ops->leave ? w->ops->leave(w) : 0;
}

int walk_tree(struct walk *w, int fd, int to_fd)
{
	int err = descend(w, "", fd, to_fd);

	if (err >= 0)
		err = visit_all(w);
	if (err >= 0)
		err = finish(w);
	while (err >= 0 && w->n_frames > 1) {
		err = go_up(w);
		if (err >= 0)
			err = finish(w);
	}
	return err;
}

int walk_all(struct walk *w, int dir_fd, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	fd = open_dir_at(dir_fd, S_ISDIR(st.st_mode) ? name : ".");
	if (fd < 0)
		return fd;
	if (S_ISDIR(st.st_mode))
		return walk_tree(w, fd, -1);

	w->fd = fd;
	return w->ops->file(w, name, &st);
}

int walk_where(const struct walk *w, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	/* The first frame is the tree itself. */
	for (size_t i = 1; i < w->n_frames; i++) {
		strbuf_add_char(&b, '/');
		text_add_name(&b, w->frames[i].name);
	}
	if (*w->at && w->n_frames > 0) {
		strbuf_add_char(&b, '/');
		text_add_name(&b, w->at);
	}
	return strbuf_take(&b, ret);
}
