/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "layer/compare.h"
#include "layer/names.h"
#include "layer/upper.h"

#define HELD_MAX 32u /* levels of directories whose descriptors stay open, two each */

/* One directory on the way from the overlay's root to where the walk is. */
struct frame {
	struct names names;
	size_t next;		/* of the names; those before are done */
	size_t path_len;	/* of the directory itself */
	int upper_fd, lower_fd; /* -1: closed, or there is none */
	ino_t inode;		/* of the upper directory */
	bool has_lower;
	bool opaque; /* nothing of the lower shows in it, nor in what is below it */
};

struct walk {
	const struct upper_layer *layer;
	const struct upper_visitor *visitor;
	struct frame *frames;
	size_t depth;
	char *path;
	size_t path_len, path_size;
	struct compare *compare;
};

/* The directory that an entry is in, as the walk hands it down. */
struct parent {
	int upper_dir, lower_dir;
	bool opaque;
};

/* One entry as it was found: in both layers, and open where it is a directory. */
struct found {
	struct upper_entry entry;
	struct stat upper, lower;
	int upper_fd, lower_fd; /* -1: it is no directory there */
	bool opaque;
};

static void found_done(struct found *f)
{
	closep(&f->upper_fd);
	closep(&f->lower_fd);
}

/* Gone, or something else since: it is being changed while it is read. */
static bool is_race(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -ESTALE;
}

static bool is_fatal(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/* Returns 0 when the walk can go on without what has failed. */
static int pass_over(const struct walk *w, int err)
{
	if (is_fatal(err))
		return err;
	if (!is_race(err) && w->visitor->problem)
		w->visitor->problem(w->visitor->data, w->path, err);
	return 0;
}

static int path_reserve(struct walk *w, size_t more)
{
	size_t size = w->path_len + more + 1;
	char *grown;

	if (size <= w->path_size)
		return 0;
	grown = realloc(w->path, 2 * size);
	if (!grown)
		return -ENOMEM;
	w->path = grown;
	w->path_size = 2 * size;
	return 0;
}

static int path_push(struct walk *w, const char *name)
{
	size_t n = strlen(name);

	if (path_reserve(w, n + 1) < 0)
		return -ENOMEM;
	w->path[w->path_len++] = '/';
	memcpy(w->path + w->path_len, name, n + 1);
	w->path_len += n;
	return 0;
}

static void path_cut(struct walk *w, size_t len)
{
	w->path_len = len;
	w->path[len] = '\0';
}

static void frame_close(struct frame *f)
{
	closep(&f->upper_fd);
	closep(&f->lower_fd);
	f->upper_fd = f->lower_fd = -1;
}

static void frame_done(struct frame *f)
{
	frame_close(f);
	names_done(&f->names);
}

/* The names before an error of the medium are good. */
static int read_names(const struct walk *w, int upper_fd, struct names *ret)
{
	int err = names_read(open_dir_at(upper_fd, "."), ret);

	return err < 0 && ret->n > 0 ? pass_over(w, err) : err;
}

/* Goes into the directory @w->path, whose descriptors it takes on success. */
static int enter(struct walk *w, struct found *d)
{
	struct frame f = { .path_len = w->path_len,
			   .upper_fd = -1,
			   .lower_fd = -1,
			   .inode = d->upper.st_ino,
			   .has_lower = d->lower_fd >= 0,
			   .opaque = d->opaque };
	int err = read_names(w, d->upper_fd, &f.names);

	if (err >= 0)
		err = array_reserve(w->frames, w->depth);
	if (err < 0) {
		frame_done(&f);
		return err;
	}

	if (w->depth >= HELD_MAX)
		frame_close(&w->frames[w->depth - HELD_MAX]);
	f.upper_fd = TAKE_FD(d->upper_fd);
	f.lower_fd = TAKE_FD(d->lower_fd);
	w->frames[w->depth++] = f;
	return 0;
}

/* The directory of a frame that was closed, step by step from the overlay's root. */
static int walk_down(const struct walk *w, int root_fd, size_t depth)
{
	int fd = open_dir_at(root_fd, ".");

	for (size_t i = 0; i < depth && fd >= 0; i++) {
		const struct frame *f = &w->frames[i];
		int next = open_dir_at(fd, f->names.sorted[f->next - 1]);

		close(fd);
		fd = next;
	}
	return fd;
}

/* Opens the directories of the last frame again, if they had to be closed on the way down. */
static int reopen(const struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	struct stat st;

	if (f->upper_fd >= 0)
		return 0;

	f->upper_fd = walk_down(w, w->layer->upper_fd, w->depth - 1);
	if (f->upper_fd < 0)
		return f->upper_fd;
	if (fstat(f->upper_fd, &st) < 0)
		return -errno;
	if (st.st_ino != f->inode)
		return -ENOENT; /* another one has its name now */
	if (!f->has_lower)
		return 0;
	f->lower_fd = walk_down(w, w->layer->lower_fd, w->depth - 1);
	return f->lower_fd < 0 ? f->lower_fd : 0;
}

/*
 * Below an opaque directory the kernel merges nothing, so it does not mark those that are made
 * there: @in_opaque.
 */
static int open_found(struct found *f, bool in_opaque)
{
	const struct upper_entry *e = &f->entry;

	f->upper_fd = open_dir_at(e->upper_dir, e->name);
	if (f->upper_fd < 0)
		return f->upper_fd;
	if (e->lower && S_ISDIR(e->lower->st_mode)) {
		f->lower_fd = open_dir_at(e->lower_dir, e->name);
		if (f->lower_fd < 0)
			return f->lower_fd;
	}

	f->opaque = in_opaque || compare_opaque(f->upper_fd);
	return 0;
}

/* Returns 1 when the lower has something of this name, 0 when not, or -errno. */
static int look_below(int lower_dir, const char *name, struct stat *ret)
{
	if (lower_dir < 0)
		return 0;
	if (fstatat(lower_dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* Finds the entry @name in both layers. */
static int look_up(const struct walk *w, const struct parent *in, const char *name,
		   struct found *ret)
{
	int err;

	if (fstatat(in->upper_dir, name, &ret->upper, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	err = look_below(in->lower_dir, name, &ret->lower);
	if (err < 0)
		return err;

	ret->entry = (struct upper_entry){ .path = w->path,
					   .name = name,
					   .upper_dir = in->upper_dir,
					   .lower_dir = in->lower_dir,
					   .upper = &ret->upper,
					   .lower = err > 0 ? &ret->lower : NULL };
	return S_ISDIR(ret->upper.st_mode) ? open_found(ret, in->opaque) : 0;
}

/* Decides what the entry is. */
static int decide(const struct walk *w, struct found *f)
{
	struct upper_entry *e = &f->entry;
	const struct compare_pair pair = { e->upper_dir, e->lower_dir, e->name };
	struct change_facts facts = { .upper = e->upper, .lower = e->lower };
	unsigned ask = change_ask(e->upper, e->lower);
	int err;

	facts.opaque = (ask & CHANGE_ASK_OPAQUE) && f->opaque;
	err = compare_answer(w->compare, &pair, ask, &facts);
	if (err < 0)
		return err;
	e->change = change_decide(&facts);
	return 0;
}

static int visit(struct walk *w, const struct parent *in, const char *name)
{
	_cleanup_(found_done) struct found f = { .upper_fd = -1, .lower_fd = -1 };
	int err = look_up(w, in, name, &f);

	if (err >= 0)
		err = decide(w, &f);
	if (err < 0)
		return pass_over(w, err);

	if (f.entry.change.kind != CHANGE_NONE)
		err = w->visitor->entry(w->visitor->data, &f.entry);
	if (err < 0)
		return err; /* the visitor wants no more */

	if (S_ISDIR(f.upper.st_mode))
		err = enter(w, &f);
	return err < 0 ? pass_over(w, err) : 0;
}

/* The next name of the last frame. */
static int step(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	struct parent in;
	const char *name;
	int err;

	path_cut(w, f->path_len);
	if (f->next == f->names.n) {
		frame_done(f);
		w->depth--;
		return 0;
	}
	err = reopen(w);
	if (err < 0) {
		frame_close(f);
		f->next = f->names.n;
		return pass_over(w, err);
	}

	name = f->names.sorted[f->next++];
	err = path_push(w, name);
	if (err < 0)
		return err;
	if (w->visitor->wants && !w->visitor->wants(w->visitor->data, w->path))
		return 0;
	/* Not through f: the array of frames may move when a directory is entered. */
	in = (struct parent){ f->upper_fd, f->lower_fd, f->opaque };
	return visit(w, &in, name);
}

static void walk_done(struct walk *w)
{
	while (w->depth > 0)
		frame_done(&w->frames[--w->depth]);
	free(w->frames);
	free(w->path);
	compare_free(w->compare);
}

int upper_walk(const struct upper_layer *l, const struct upper_visitor *v)
{
	_cleanup_(walk_done) struct walk w = { .layer = l, .visitor = v };
	const struct parent top = { l->upper_fd, l->lower_fd, false };
	int err;

	w.compare = compare_new();
	if (!w.compare || path_reserve(&w, strlen(l->path)) < 0)
		return -ENOMEM;
	strcpy(w.path, l->path);
	w.path_len = strlen(l->path);

	err = visit(&w, &top, ".");
	while (err >= 0 && w.depth > 0)
		err = step(&w);
	return err < 0 ? err : 0;
}
