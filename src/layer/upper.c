/* SPDX-License-Identifier: MIT */
#include "layer/upper.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "layer/compare.h"

#define HELD_MAX 32u /* levels of directories whose descriptors stay open, two each */

/* One directory on the way from the overlay's root to where the walk is. */
struct frame {
	char *text;   /* all names, NUL behind each */
	char **names; /* sorted, pointing into text */
	size_t n, next;
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
	int stop; /* -errno: the visitor wants no more */
};

/* The directory that an entry is in, as the walk hands it down. */
struct parent {
	int upper_dir, lower_dir;
	bool opaque;
};

/* What is wanted of a directory before it is entered. */
struct subdir {
	int upper_fd, lower_fd;
	bool opaque;
};

static void subdir_done(struct subdir *s)
{
	closep(&s->upper_fd);
	closep(&s->lower_fd);
}

static int open_below(int root_fd, const char *path, const char *name)
{
	_cleanup_free_ char *relative = NULL;
	int err = text_format(&relative, "%s%s", path, name);

	return err < 0 ? err : open_dir_at(root_fd, relative);
}

/* In force with its changes in RAM, as its partition is not there? */
static bool is_volatile(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	return o->fallback != SIZE_MAX && o->conf->if_missing == IF_MISSING_VOLATILE &&
	       mount_point_at(root_fd, p->prepares[o->fallback].dir);
}

int upper_layer_open(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     struct upper_layer *ret)
{
	_cleanup_close_ int upper = -1, lower = -1;
	_cleanup_free_ char *in_ram = NULL;

	if (mount_point_at(root_fd, o->merged)) {
		upper = open_below(root_fd, o->layers, "/upper");
	} else if (is_volatile(root_fd, p, o)) {
		if (asprintf(&in_ram, PLAN_RAM_LAYERS_DIR "%s", o->path) < 0)
			return in_ram = NULL, -ENOMEM;
		upper = open_below(root_fd, in_ram, "/upper");
	} else {
		return -ENOENT;
	}
	if (upper < 0)
		return upper;
	lower = open_below(root_fd, o->lower, "");
	if (lower < 0)
		return lower;

	*ret = (struct upper_layer){ o->path, TAKE_FD(upper), TAKE_FD(lower) };
	return 0;
}

void upper_layer_done(struct upper_layer *l)
{
	closep(&l->upper_fd);
	closep(&l->lower_fd);
	*l = (struct upper_layer){ NULL, -1, -1 };
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
	free(f->text);
	free((void *)f->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char *text;
	size_t len, size, n;
};

static int names_add(struct names *l, const char *name)
{
	size_t n = strlen(name) + 1;

	if (l->len + n > l->size) {
		size_t size = 2 * l->size + n + 1024;
		char *grown = realloc(l->text, size);

		if (!grown)
			return -ENOMEM;
		l->text = grown;
		l->size = size;
	}
	memcpy(l->text + l->len, name, n);
	l->len += n;
	l->n++;
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int list_names(int dir_fd, struct names *l)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	int fd = open_dir_at(dir_fd, ".");

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		int err = -errno;

		close(fd);
		return err;
	}

	for (;;) {
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return -errno;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (names_add(l, e->d_name) < 0)
			return -ENOMEM;
	}
}

/* Takes what @l has, also on failure. */
static int frame_fill(struct frame *f, struct names *l)
{
	char *s = l->text;

	f->text = s;
	if (l->n == 0)
		return 0;
	f->names = calloc(l->n, sizeof(*f->names));
	if (!f->names)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++, s += strlen(s) + 1)
		f->names[i] = s;
	f->n = l->n;
	qsort((void *)f->names, f->n, sizeof(*f->names), compare_names);
	return 0;
}

/* Goes into the directory @w->path, whose descriptors it takes on success. */
static int enter(struct walk *w, struct subdir *s, const struct stat *upper)
{
	struct frame f = { .path_len = w->path_len,
			   .upper_fd = -1,
			   .lower_fd = -1,
			   .inode = upper->st_ino,
			   .has_lower = s->lower_fd >= 0,
			   .opaque = s->opaque };
	struct names names = { 0 };
	int err;

	err = list_names(s->upper_fd, &names);
	if (err < 0 && (is_fatal(err) || names.n == 0)) {
		free(names.text);
		return err;
	}
	/* The names before an error of the medium are good. */
	if (err < 0)
		pass_over(w, err);
	err = frame_fill(&f, &names);
	if (err >= 0)
		err = array_reserve(w->frames, w->depth);
	if (err < 0) {
		frame_done(&f);
		return err;
	}

	if (w->depth >= HELD_MAX)
		frame_close(&w->frames[w->depth - HELD_MAX]);
	f.upper_fd = TAKE_FD(s->upper_fd);
	f.lower_fd = TAKE_FD(s->lower_fd);
	w->frames[w->depth++] = f;
	return 0;
}

/* The directory of a frame that was closed, step by step from the overlay's root. */
static int walk_down(const struct walk *w, int root_fd, size_t depth)
{
	int fd = open_dir_at(root_fd, ".");

	for (size_t i = 0; i < depth && fd >= 0; i++) {
		const struct frame *f = &w->frames[i];
		int next = open_dir_at(fd, f->names[f->next - 1]);

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
static int open_subdir(const struct upper_entry *e, bool in_opaque, struct subdir *ret)
{
	ret->upper_fd = open_dir_at(e->upper_dir, e->name);
	if (ret->upper_fd < 0)
		return ret->upper_fd;
	if (e->lower && S_ISDIR(e->lower->st_mode)) {
		ret->lower_fd = open_dir_at(e->lower_dir, e->name);
		if (ret->lower_fd < 0)
			return ret->lower_fd;
	}

	ret->opaque = in_opaque || compare_opaque(ret->upper_fd);
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

static int answer(const struct walk *w, const struct upper_entry *e, const struct subdir *s,
		  struct change_facts *f)
{
	const struct compare_pair pair = { e->upper_dir, e->lower_dir, e->name };
	unsigned ask = change_ask(f->upper, f->lower);

	f->opaque = (ask & CHANGE_ASK_OPAQUE) && s->opaque;
	return compare_answer(w->compare, &pair, ask, f);
}

/* Tells one entry if it differs. Returns 1 when it is a directory, then open in @s. */
static int tell(struct walk *w, const struct parent *in, const char *name, struct stat *upper,
		struct subdir *s)
{
	struct change_facts facts = { .upper = upper };
	struct upper_entry e = { .path = w->path,
				 .name = name,
				 .upper_dir = in->upper_dir,
				 .lower_dir = in->lower_dir,
				 .upper = upper };
	struct stat lower;
	int err;

	if (fstatat(in->upper_dir, name, upper, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	err = look_below(in->lower_dir, name, &lower);
	if (err < 0)
		return err;
	facts.lower = e.lower = err > 0 ? &lower : NULL;

	if (S_ISDIR(upper->st_mode)) {
		err = open_subdir(&e, in->opaque, s);
		if (err < 0)
			return err;
	}
	err = answer(w, &e, s, &facts);
	if (err < 0)
		return err;

	e.change = change_decide(&facts);
	if (e.change.kind != CHANGE_NONE)
		w->stop = w->visitor->entry(w->visitor->data, &e);
	return S_ISDIR(upper->st_mode);
}

static int visit(struct walk *w, const struct parent *in, const char *name)
{
	_cleanup_(subdir_done) struct subdir s = { -1, -1, false };
	struct stat upper;
	int err;

	err = tell(w, in, name, &upper, &s);
	if (w->stop < 0)
		return w->stop;
	if (err > 0)
		err = enter(w, &s, &upper);
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
	if (f->next == f->n) {
		frame_done(f);
		w->depth--;
		return 0;
	}
	err = reopen(w);
	if (err < 0) {
		frame_close(f);
		f->next = f->n;
		return pass_over(w, err);
	}

	name = f->names[f->next++];
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
