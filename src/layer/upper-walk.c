/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "basic/io.h"
#include "layer/compare.h"
#include "layer/seen.h"
#include "layer/upper-found.h"
#include "layer/upper.h"

#define HELD_MAX     32u /* levels of directories whose descriptors stay open, two each */
#define OTHER_FDS    32u /* that a process which reads layers needs besides */
#define DESCENTS_MAX 16u /* in a round, from the root to a directory that was moved meanwhile */
#define ROUNDS_MAX   64u /* until it must be at rest; with PAUSE, it takes more than a second */
#define PAUSE	     20000000 /* ns, between rounds, for time stamps to become different */

/* Which directory it is, to recognize it. */
struct identity {
	dev_t dev;
	ino_t ino;
};

/* A directory in one of the layers. */
struct place {
	int fd; /* -1: closed, or there is none */
	bool exists;
	struct identity is; /* when closed */
};

/* One directory on the way from the overlay's root to where the walk is. */
struct frame {
	struct seen *dir;
	size_t path_len;
	struct seen *child; /* the next of those that earlier rounds have seen in it */
	struct names names; /* that no round has seen before */
	size_t next;	    /* of the names */
	struct place upper, lower;
	int lower_error; /* -errno: why what the lower has here is not known */
	bool opaque;	 /* nothing of the lower shows in it, nor in what is below it */
};

/* What one round through all directories has found. The first one is the walk itself. */
struct round {
	unsigned n;
	size_t changed;	   /* directories that had been changed since they were read */
	struct seen *last; /* of these */
	bool torn; /* not all names were read at one moment, or one could not be looked up */
};

struct walk {
	const struct upper_layer *layer;
	const struct upper_visitor *visitor;
	struct frame *frames;
	size_t depth;
	size_t held_max;
	unsigned descents;
	struct round round;
	struct seen *lone; /* all that had been changed in the round before, and was then read */
	struct seen *top, *last_seen;
	struct strbuf path;
	struct compare *compare;
};

static void path_cut(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.text[len] = '\0';
}

/* All-zero, which no directory is, where that fails. */
static struct identity identity_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return (struct identity){ 0 };
	return (struct identity){ st.st_dev, st.st_ino };
}

static void place_close(struct place *p)
{
	if (p->fd < 0)
		return;
	p->is = identity_of(p->fd);
	close(TAKE_FD(p->fd));
}

static void frame_done(struct frame *f)
{
	closep(&f->upper.fd);
	closep(&f->lower.fd);
	names_done(&f->names);
}

/*
 * Few descriptors are open at any depth: the way back to a directory that was closed is "..". Below
 * one that the lower does not have there is no such way, so the last one that it has stays open.
 */
static void close_distant(struct walk *w)
{
	struct frame *f;

	if (w->depth <= w->held_max)
		return;
	f = &w->frames[w->depth - 1 - w->held_max];
	place_close(&f->upper);
	if (f[1].lower.exists)
		place_close(&f->lower);
}

/* Goes into the directory @w->path, taking over what @d holds. */
static int push(struct walk *w, struct found *d)
{
	if (array_reserve(w->frames, w->depth) < 0)
		return -ENOMEM;
	w->frames[w->depth++] =
		(struct frame){ .dir = d->dir,
				.path_len = w->path.len,
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

/* The directory of the last frame, step by step from the overlay's root: somebody has moved it. */
static int walk_down(struct walk *w, int root_fd, const struct identity *is)
{
	_cleanup_close_ int fd = open_dir_at(root_fd, ".");

	if (w->descents++ >= DESCENTS_MAX)
		return -ESTALE;
	for (size_t i = 1; i < w->depth && fd >= 0; i++) {
		int next = open_dir_at(fd, w->frames[i].dir->node->name);

		close(fd);
		fd = next;
	}
	return fd < 0 ? fd : open_known(fd, ".", is);
}

static int reopen(struct walk *w, struct place *p, int child_fd, int root_fd)
{
	if (!p->exists || p->fd >= 0)
		return 0;
	p->fd = child_fd < 0 ? -ESTALE : open_known(child_fd, "..", &p->is);
	if (is_race(p->fd))
		p->fd = walk_down(w, root_fd, &p->is);
	return p->fd < 0 ? p->fd : 0;
}

/* Returns -ENOMEM, or what the visitor returns. */
static int report(const struct walk *w, struct path_node *node, const char *path,
		  enum change_unread what, int err)
{
	const struct stat none = { .st_nlink = 1 };
	const struct upper_entry e = {
		.path = path,
		.node = node,
		.name = node->name,
		.upper_dir = -1,
		.lower_dir = -1,
		.upper = &none,
		.change = { .kind = CHANGE_UNKNOWN, .unread = what, .error = -err },
	};

	return err == -ENOMEM ? err : w->visitor->entry(w->visitor->data, &e);
}

/* Once for each directory, however often that happens. */
static int report_directory(const struct walk *w, struct seen *dir, const char *path, int err)
{
	bool told = dir->told;

	dir->told = true;
	return told ? 0 : report(w, dir->node, path, CHANGE_UNREAD_DIRECTORY, err);
}

/* Read it again in the next round. */
static void doubt(struct walk *w, struct seen *dir)
{
	dir->stamp.changed = 0;
	w->round.torn = true;
}

static bool can_retry(const struct walk *w, int err)
{
	return is_race(err) && w->round.n < ROUNDS_MAX;
}

/* The rest of the directory of the last frame cannot be read. */
static int give_up(struct walk *w, int err)
{
	struct frame *f = &w->frames[w->depth - 1];

	f->next = f->names.n;
	f->child = NULL;
	if (can_retry(w, err))
		return doubt(w, f->dir), 0;
	path_cut(w, f->path_len);
	return report_directory(w, f->dir, w->path.text, err);
}

/* Back to the directory above. */
static int pop(struct walk *w)
{
	struct frame child = w->frames[--w->depth];
	int err = 0;

	if (w->depth > 0) {
		struct frame *f = &w->frames[w->depth - 1];

		err = reopen(w, &f->upper, child.upper.fd, w->layer->upper_fd);
		if (err >= 0)
			err = reopen(w, &f->lower, child.lower.fd, w->layer->lower_fd);
	}
	frame_done(&child);
	return err < 0 ? give_up(w, err) : 0;
}

/* It was there when its directory was read: it may have another name now. */
static int vanish(struct walk *w, struct path_node *node, int err)
{
	if (w->depth == 0 || !can_retry(w, err))
		return report(w, node, w->path.text, CHANGE_UNREAD_ENTRY, err);
	doubt(w, w->frames[w->depth - 1].dir);
	return 0;
}

/* It need not be visited again. */
static int set_visited(struct walk *w, const struct found *f)
{
	struct seen *in = w->depth > 0 ? w->frames[w->depth - 1].dir : NULL;

	return in ? names_add(&in->names, f->entry.name, S_ISDIR(f->upper.st_mode)) : 0;
}

static int see(struct walk *w, struct found *f)
{
	struct seen *in = w->depth > 0 ? w->frames[w->depth - 1].dir : NULL;

	f->dir = seen_new(&w->last_seen, in, f->entry.node);
	if (!f->dir)
		return -ENOMEM;
	f->dir->stamp = f->stamp;
	f->dir->told = f->entry.change.kind == CHANGE_UNKNOWN;
	w->top = w->top ? w->top : f->dir;
	return 0;
}

static int visit(struct walk *w, const struct parent *in, struct path_node *node, const char *name)
{
	_cleanup_(found_done) struct found f = found_at(in, w->path.text, node, name);
	int err = found_look_up(&f, in, &w->round.torn);

	if (err >= 0)
		err = found_decide(&f, w->compare);
	if (err < 0)
		return err == -ENOMEM ? err : vanish(w, node, err);

	err = set_visited(w, &f);
	if (err >= 0 && f.entry.change.kind != CHANGE_NONE)
		err = w->visitor->entry(w->visitor->data, &f.entry);
	if (err >= 0 && f.upper_fd >= 0)
		err = see(w, &f);
	return err < 0 || f.upper_fd < 0 ? err : push(w, &f);
}

static void set_changed(struct walk *w, struct seen *dir, const struct stamp *now)
{
	dir->stamp = *now;
	dir->round = w->round.n;
	w->round.changed++;
	w->round.last = dir;
}

/* What has another type now was seen to change in the directory above. */
static void set_gone(struct walk *w, struct seen *dir)
{
	static const struct stamp gone = SEEN_GONE;

	if (!stamp_is_same(&dir->stamp, &gone))
		set_changed(w, dir, &gone);
}

/* Nothing is left to do in it or below it. */
static bool is_at_rest(const struct seen *dir, int dir_fd, const char *name)
{
	struct stamp now;
	struct stat st;

	if (dir->child || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	now = stamp_of(&st);
	return stamp_is_same(&dir->stamp, &now);
}

/* A directory that a round before has seen: for what is new in it or below it. */
static int revisit(struct walk *w, const struct parent *in, struct seen *dir, const char *name)
{
	_cleanup_(found_done) struct found f = found_at(in, w->path.text, dir->node, name);
	int err;

	if (is_at_rest(dir, in->upper_dir, name))
		return 0;
	f.dir = dir;
	err = found_look_up(&f, in, &w->round.torn);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || !S_ISDIR(f.upper.st_mode))
		return set_gone(w, dir), 0;
	if (f.upper_fd >= 0 && !stamp_is_same(&dir->stamp, &f.stamp))
		set_changed(w, dir, &f.stamp);

	err = f.facts.unread ? report_directory(w, dir, w->path.text, -f.facts.error) : 0;
	return err < 0 || f.upper_fd < 0 ? err : push(w, &f);
}

static int add_to_path(struct walk *w, const char *name)
{
	strbuf_add_char(&w->path, '/');
	strbuf_add(&w->path, name);
	return w->path.failed ? -ENOMEM : 0;
}

/* The next name of the last frame. */
static int step_name(struct walk *w, struct frame *f, const struct parent *in)
{
	const char *name = f->names.sorted[f->next++];
	_cleanup_path_node_ struct path_node *node = path_node_new(f->dir->node, name);

	if (!node || add_to_path(w, name) < 0)
		return -ENOMEM;
	if (w->visitor->wants && !w->visitor->wants(w->visitor->data, w->path.text))
		return 0;
	return visit(w, in, node, node->name);
}

static int step_child(struct walk *w, struct frame *f, const struct parent *in)
{
	struct seen *child = f->child;

	f->child = child->sibling;
	if (add_to_path(w, child->node->name) < 0)
		return -ENOMEM;
	return revisit(w, in, child, child->node->name);
}

static int step(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	/* Not through f: the array of frames may move when a directory is entered. */
	const struct parent in = { f->upper.fd, f->lower.fd, f->lower_error, f->opaque };

	path_cut(w, f->path_len);
	if (f->child)
		return step_child(w, f, &in);
	return f->next < f->names.n ? step_name(w, f, &in) : pop(w);
}

static void walk_done(struct walk *w)
{
	while (w->depth > 0)
		frame_done(&w->frames[--w->depth]);
	free(w->frames);
	seen_free(w->last_seen);
	strbuf_done(&w->path);
	compare_free(w->compare);
}

/* How many levels may stay open, so that descriptors are left for everything else. */
static size_t levels_to_hold(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OTHER_FDS + 2 * HELD_MAX)
		return HELD_MAX;
	return limit.rlim_cur > OTHER_FDS + 2 ? (limit.rlim_cur - OTHER_FDS) / 2 : 1;
}

/*
 * Was there a moment at which all directories were as they were read? Yes, if none of them has
 * changed when all are looked at again. One that changes all the time does no harm, if no other one
 * has changed since before it was read: nothing can be moved within a single directory without
 * being seen in it.
 */
static bool is_settled(const struct walk *w)
{
	const struct round *r = &w->round;

	return r->n > 1 && (r->changed == 0 || (r->changed == 1 && r->last == w->lone));
}

static int one_round(struct walk *w, const struct parent *in, struct path_node *node)
{
	int err;

	w->lone = w->round.changed == 1 && !w->round.torn ? w->round.last : NULL;
	w->round = (struct round){ .n = w->round.n + 1 };
	w->descents = 0;
	path_cut(w, strlen(w->layer->path));
	err = w->top ? revisit(w, in, w->top, ".") : visit(w, in, node, ".");
	while (err >= 0 && w->depth > 0)
		err = step(w);
	return err;
}

/* Those that were changed to the last. */
static int report_restless(const struct walk *w)
{
	_cleanup_path_text_ struct path_text path = { 0 };
	int err = 0;

	for (struct seen *s = w->last_seen; s && err >= 0; s = s->older) {
		const char *text;

		if (s->round != w->round.n || s->stamp.changed == SEEN_GONE.changed)
			continue;
		text = path_text_set(&path, s->node, NULL);
		err = text ? report_directory(w, s, text, -ESTALE) : -ENOMEM;
	}
	return err;
}

static int walk_all(struct walk *w, const struct parent *in, struct path_node *node)
{
	static const struct timespec pause = { 0, PAUSE };
	int err = one_round(w, in, node);

	while (err >= 0 && w->top && !is_settled(w) && w->round.n < ROUNDS_MAX) {
		if (w->round.n > 1)
			nanosleep(&pause, NULL);
		err = one_round(w, in, node);
	}
	return err < 0 || !w->top || is_settled(w) ? err : report_restless(w);
}

int upper_walk(const struct upper_layer *l, const struct upper_visitor *v)
{
	_cleanup_(walk_done) struct walk w = { .layer = l,
					       .visitor = v,
					       .held_max = levels_to_hold() };
	_cleanup_path_node_ struct path_node *node = path_node_new(NULL, l->path);
	const struct parent top = { l->upper_fd, l->lower_fd, 0, false };
	int err;

	w.compare = compare_new();
	strbuf_add(&w.path, l->path);
	if (!w.compare || !node || w.path.failed)
		return -ENOMEM;

	err = walk_all(&w, &top, node);
	return err < 0 ? err : 0;
}
