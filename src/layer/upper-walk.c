/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "basic/io.h"
#include "layer/compare.h"
#include "layer/names.h"
#include "layer/upper.h"

#define HELD_MAX     32u /* levels of directories whose descriptors stay open, two each */
#define OTHER_FDS    32u /* that a process which reads layers needs besides */
#define READINGS_MAX 16u /* of a directory from which files vanish */
#define DESCENTS_MAX 16u /* from the root to a directory that was moved meanwhile */

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
	struct path_node *node;
	size_t path_len;
	struct names names;
	size_t next; /* of the names; those before are done, or have vanished */
	size_t done; /* of the names: these, the first ones, are done */
	unsigned readings;
	bool vanished; /* a name has, since the directory was read */
	struct place upper, lower;
	int lower_error; /* -errno: why what the lower has here is not known */
	bool opaque;	 /* nothing of the lower shows in it, nor in what is below it */
};

struct walk {
	const struct upper_layer *layer;
	const struct upper_visitor *visitor;
	struct frame *frames;
	size_t depth;
	size_t held_max;
	unsigned descents;
	struct strbuf path;
	struct compare *compare;
};

/* One entry as it was found: in both layers, and open where it is a directory. */
struct found {
	struct upper_entry entry;
	struct stat upper, lower;
	struct change_facts facts;
	int upper_fd, lower_fd; /* -1: it is no directory there */
	int lower_error;
	bool opaque;
	struct names names; /* of a directory */
};

/* The directory that an entry is in, as the walk hands it down. */
struct parent {
	int upper_dir, lower_dir, lower_error;
	bool opaque;
};

static void found_done(struct found *f)
{
	closep(&f->upper_fd);
	closep(&f->lower_fd);
	names_done(&f->names);
}

/* Gone, or something else since: it is being changed while it is read. */
static bool is_race(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -ESTALE;
}

static void path_cut(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.text[len] = '\0';
}

static void place_close(struct place *p)
{
	struct stat st;

	if (p->fd < 0)
		return;
	p->is = fstat(p->fd, &st) < 0 ? (struct identity){ 0 } :
					(struct identity){ st.st_dev, st.st_ino };
	close(TAKE_FD(p->fd));
}

static void frame_done(struct frame *f)
{
	closep(&f->upper.fd);
	closep(&f->lower.fd);
	names_done(&f->names);
	path_node_unref(f->node);
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
		(struct frame){ .node = path_node_ref(d->entry.node),
				.path_len = w->path.len,
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
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != is->dev || st.st_ino != is->ino)
		return -ESTALE;
	return TAKE_FD(fd);
}

/* The directory of the last frame, step by step from the overlay's root: somebody has moved it. */
static int walk_down(struct walk *w, int root_fd, const struct identity *is)
{
	_cleanup_close_ int fd = open_dir_at(root_fd, ".");

	if (w->descents++ >= DESCENTS_MAX)
		return -ESTALE;
	for (size_t i = 1; i < w->depth && fd >= 0; i++) {
		int next = open_dir_at(fd, w->frames[i].node->name);

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

/* The rest of the directory of the last frame cannot be read. */
static int give_up(struct walk *w, int err)
{
	struct frame *f = &w->frames[w->depth - 1];

	f->next = f->names.n;
	f->vanished = false;
	path_cut(w, f->path_len);
	return report(w, f->node, w->path.text, CHANGE_UNREAD_DIRECTORY, err);
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

/* Opens the directory in the upper layer. Returns 0, or -errno when it is gone or memory is. */
static int open_upper(struct found *f, bool in_opaque)
{
	int opaque, err;

	f->upper_fd = open_dir_at(f->entry.upper_dir, f->entry.name);
	err = f->upper_fd < 0 ? f->upper_fd : names_read(f->upper_fd, &f->names);
	/* The names before an error are good, and so are those of a directory that never rests. */
	if (err < 0 && err != -ESTALE && (is_race(err) || err == -ENOMEM))
		return err;
	if (err < 0)
		change_set_unread(&f->facts, CHANGE_UNREAD_DIRECTORY, err);
	if (f->upper_fd < 0)
		return 0;

	/*
	 * Below an opaque directory the kernel merges nothing, so it does not mark those that are
	 * made there.
	 */
	opaque = in_opaque ? 1 : compare_opaque(f->upper_fd);
	if (opaque < 0)
		change_set_unread(&f->facts, CHANGE_UNREAD_ATTRIBUTES, opaque);
	f->opaque = opaque > 0;
	return 0;
}

static void open_lower(struct found *f)
{
	const struct upper_entry *e = &f->entry;

	if (!e->lower || !S_ISDIR(e->lower->st_mode))
		return;
	f->lower_fd = open_dir_at(e->lower_dir, e->name);
	if (f->lower_fd >= 0)
		return;
	f->lower_error = f->lower_fd;
	change_set_unread(&f->facts, CHANGE_UNREAD_LOWER, f->lower_error);
}

/* Returns 1 when the lower has something of this name, 0 when not, or -errno. */
static int look_below(const struct parent *in, const char *name, struct stat *ret)
{
	if (in->lower_dir < 0)
		return in->lower_error;
	if (fstatat(in->lower_dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* Finds the entry in both layers. Returns 0, or -errno when it is not to be had in the upper one. */
static int look_up(const struct parent *in, struct found *ret)
{
	struct upper_entry *e = &ret->entry;
	int err;

	if (fstatat(e->upper_dir, e->name, &ret->upper, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	e->upper = ret->facts.upper = &ret->upper;
	err = look_below(in, e->name, &ret->lower);
	if (err > 0)
		e->lower = ret->facts.lower = &ret->lower;
	if (err < 0) {
		ret->lower_error = err;
		change_set_unread(&ret->facts, CHANGE_UNREAD_LOWER, err);
	}
	if (!S_ISDIR(ret->upper.st_mode))
		return 0;

	err = open_upper(ret, in->opaque);
	if (err < 0)
		return err;
	open_lower(ret);
	return 0;
}

/* Decides what the entry is. Returns 0, or -errno when it was changed meanwhile. */
static int decide(const struct walk *w, struct found *f)
{
	struct upper_entry *e = &f->entry;
	const struct compare_pair pair = { e->upper_dir, e->lower_dir, e->name };
	unsigned ask = change_ask(e->upper, e->lower);

	f->facts.opaque = (ask & CHANGE_ASK_OPAQUE) && f->opaque;
	compare_answer(w->compare, &pair, ask, &f->facts);
	/* A directory is open, and has told for itself. */
	if (!S_ISDIR(e->upper->st_mode) && f->facts.unread >= CHANGE_UNREAD_ATTRIBUTES &&
	    is_race(-f->facts.error))
		return -f->facts.error;
	e->change = change_decide(&f->facts);
	return 0;
}

/* It was there when its directory was read: it may have another name now. */
static int vanish(struct walk *w, struct path_node *node, int err)
{
	struct frame *f = w->depth > 0 ? &w->frames[w->depth - 1] : NULL;

	if (is_race(err) && f && f->readings < READINGS_MAX) {
		f->vanished = true;
		return 0;
	}
	return report(w, node, w->path.text, CHANGE_UNREAD_ENTRY, err);
}

static int look_again(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	int err = names_again(f->upper.fd, &f->names, f->done);

	f->readings++;
	f->vanished = false;
	f->next = f->done;
	if (err >= 0 || err == -ENOMEM || err == -ENOENT) /* the directory itself is deleted */
		return err == -ENOENT ? 0 : err;
	f->readings = READINGS_MAX; /* say it once */
	return report(w, f->node, w->path.text, CHANGE_UNREAD_DIRECTORY, err);
}

static void set_done(struct walk *w)
{
	struct frame *f = w->depth > 0 ? &w->frames[w->depth - 1] : NULL;

	if (f)
		f->names.sorted[f->done++] = f->names.sorted[f->next - 1];
}

static int visit(struct walk *w, const struct parent *in, struct path_node *node, const char *name)
{
	_cleanup_(found_done) struct found f = {
		.entry = { .path = w->path.text,
			   .node = node,
			   .name = name,
			   .upper_dir = in->upper_dir,
			   .lower_dir = in->lower_dir },
		.upper_fd = -1,
		.lower_fd = -1,
	};
	int err = look_up(in, &f);

	if (err >= 0)
		err = decide(w, &f);
	if (err < 0)
		return err == -ENOMEM ? err : vanish(w, node, err);

	set_done(w);
	if (f.entry.change.kind != CHANGE_NONE)
		err = w->visitor->entry(w->visitor->data, &f.entry);
	return err < 0 || f.upper_fd < 0 ? err : push(w, &f);
}

/* The next name of the last frame. */
static int step(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	_cleanup_path_node_ struct path_node *node = NULL;
	struct parent in;
	const char *name;

	path_cut(w, f->path_len);
	if (f->next == f->names.n)
		return f->vanished ? look_again(w) : pop(w);

	name = f->names.sorted[f->next++];
	node = path_node_new(f->node, name);
	strbuf_add_char(&w->path, '/');
	strbuf_add(&w->path, name);
	if (!node || w->path.failed)
		return -ENOMEM;
	if (w->visitor->wants && !w->visitor->wants(w->visitor->data, w->path.text)) {
		set_done(w);
		return 0;
	}
	/* Not through f: the array of frames may move when a directory is entered. */
	in = (struct parent){ f->upper.fd, f->lower.fd, f->lower_error, f->opaque };
	return visit(w, &in, node, node->name);
}

static void walk_done(struct walk *w)
{
	while (w->depth > 0)
		frame_done(&w->frames[--w->depth]);
	free(w->frames);
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

	err = visit(&w, &top, node, ".");
	while (err >= 0 && w.depth > 0)
		err = step(&w);
	return err < 0 ? err : 0;
}
