/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "basic/io.h"
#include "layer/compare.h"
#include "layer/seen.h"
#include "layer/upper-found.h"
#include "layer/upper-levels.h"
#include "layer/upper.h"

#define ROUNDS_MAX 64u /* until it must be at rest; with PAUSE, it takes more than a second */
#define NEW_MIN \
	1000u	  /* entries that may come in all rounds after the first, and as many as that had */
#define AHEAD 32u /* names; a medium with a queue has enough to do then */
#define PAUSE 20000000 /* ns, between rounds, for time stamps to become different */

/* What one round through all directories has found. The first one is the walk itself. */
struct round {
	unsigned n;
	size_t changed;	   /* directories that had been changed since they were read */
	struct seen *last; /* of these */
	bool torn; /* not all names were read at one moment, or one could not be looked up */
};

struct walk {
	const struct upper_visitor *visitor;
	struct levels levels;
	size_t visited, visited_max; /* entries; somebody may move a tree to ever new paths */
	struct round round;
	struct seen *lone; /* all that had been changed in the round before, and was then read */
	struct seen *top, *last_seen;
	struct strbuf path;
	struct compare *compare;
	long read; /* blocks that this process had read from media when it last read ahead */
};

static void path_cut(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.text[len] = '\0';
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

/* The rest of the directory of the last level cannot be read. */
static int give_up(struct walk *w, int err)
{
	struct level *f = levels_last(&w->levels);

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
	int err = levels_leave(&w->levels);

	return err < 0 ? give_up(w, err) : 0;
}

/* It was there when its directory was read: it may have another name now. */
static int vanish(struct walk *w, struct path_node *node, int err)
{
	const struct level *in = levels_last(&w->levels);

	if (!in || !can_retry(w, err))
		return report(w, node, w->path.text, CHANGE_UNREAD_ENTRY, err);
	doubt(w, in->dir);
	return 0;
}

/* It need not be visited again. */
static int set_visited(struct walk *w, const struct found *f)
{
	const struct level *in = levels_last(&w->levels);

	return in ? names_add(&in->dir->names, f->entry.name, S_ISDIR(f->upper.st_mode)) : 0;
}

static int see(struct walk *w, struct found *f)
{
	const struct level *in = levels_last(&w->levels);

	f->dir = seen_new(&w->last_seen, in ? in->dir : NULL, f->entry.node);
	if (!f->dir)
		return -ENOMEM;
	f->dir->stamp = f->stamp;
	f->dir->told = f->entry.change.kind == CHANGE_UNKNOWN;
	w->top = w->top ? w->top : f->dir;
	return 0;
}

static bool is_of_interest(const struct walk *w, const struct upper_entry *e)
{
	return e->change.kind != CHANGE_NONE ||
	       (w->visitor->unchanged && S_ISDIR(e->upper->st_mode));
}

/* Content that takes seconds to compare is compared only where the visitor asks for it. */
static int decide(struct walk *w, struct found *f)
{
	const struct upper_visitor *v = w->visitor;
	int err = found_decide(f, w->compare, false);

	if (err < 0 || !f->entry.change.not_compared || !v->compares ||
	    !v->compares(v->data, f->entry.path))
		return err;
	return found_decide(f, w->compare, true);
}

static int visit(struct walk *w, const struct parent *in, struct path_node *node, const char *name)
{
	_cleanup_(found_done) struct found f = found_at(in, w->path.text, node, name);
	int err = found_look_up(&f, in, &w->round.torn);

	if (err >= 0)
		err = decide(w, &f);
	if (err < 0)
		return err == -ENOMEM ? err : vanish(w, node, err);

	err = set_visited(w, &f);
	if (err >= 0 && is_of_interest(w, &f.entry))
		err = w->visitor->entry(w->visitor->data, &f.entry);
	if (err >= 0 && f.upper_fd >= 0)
		err = see(w, &f);
	return err < 0 || f.upper_fd < 0 ? err : levels_enter(&w->levels, &f, w->path.len);
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
	return err < 0 || f.upper_fd < 0 ? err : levels_enter(&w->levels, &f, w->path.len);
}

static int add_to_path(struct walk *w, const char *name)
{
	strbuf_add_char(&w->path, '/');
	strbuf_add(&w->path, name);
	return w->path.failed ? -ENOMEM : 0;
}

/* Whatever is moved all the time: no more paths than twice of what there was. */
static bool is_enough(const struct walk *w)
{
	return w->round.n > 1 && w->visited >= w->visited_max;
}

static bool is_wanted(const struct walk *w)
{
	return !w->visitor->wants || w->visitor->wants(w->visitor->data, w->path.text);
}

/* Nothing was read since the last names: then what comes is in memory as well. */
static bool reads_media(struct walk *w)
{
	struct rusage usage;
	long before = w->read;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return false;
	w->read = usage.ru_inblock;
	return w->read != before;
}

static int read_ahead(struct walk *w, const struct level *f, const struct parent *in)
{
	size_t end = f->names.n - f->next < AHEAD ? f->names.n : f->next + AHEAD;

	if (in->lower_dir < 0 || !reads_media(w))
		return 0;
	for (size_t i = f->next; i < end; i++) {
		if (add_to_path(w, f->names.sorted[i]) < 0)
			return -ENOMEM;
		if (is_wanted(w))
			found_read_ahead(in, f->names.sorted[i]);
		path_cut(w, f->path_len);
	}
	return 0;
}

/* The next name of the last level. */
static int step_name(struct walk *w, struct level *f, const struct parent *in)
{
	_cleanup_path_node_ struct path_node *node = NULL;
	const char *name;

	if (f->next % AHEAD == 0 && read_ahead(w, f, in) < 0)
		return -ENOMEM;
	name = f->names.sorted[f->next++];

	if (is_enough(w)) {
		f->dir->round = w->round.n;
		doubt(w, f->dir);
		return 0;
	}
	node = path_node_new(f->dir->node, name);
	if (!node || add_to_path(w, name) < 0)
		return -ENOMEM;
	if (!is_wanted(w))
		return 0;
	w->visited++;
	return visit(w, in, node, node->name);
}

static int step_child(struct walk *w, struct level *f, const struct parent *in)
{
	struct seen *child = f->child;

	f->child = child->sibling;
	if (add_to_path(w, child->node->name) < 0)
		return -ENOMEM;
	return revisit(w, in, child, child->node->name);
}

static int step(struct walk *w)
{
	struct level *f = levels_last(&w->levels);
	/* Not through f: the list of levels may move when a directory is entered. */
	const struct parent in = { f->upper.fd, f->lower.fd, f->lower_error, f->opaque };

	path_cut(w, f->path_len);
	if (f->child)
		return step_child(w, f, &in);
	return f->next < f->names.n ? step_name(w, f, &in) : pop(w);
}

static void walk_done(struct walk *w)
{
	levels_done(&w->levels);
	seen_free(w->last_seen);
	strbuf_done(&w->path);
	compare_free(w->compare);
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
	w->levels.descents = 0;
	path_cut(w, strlen(w->levels.layer->path));
	err = w->top ? revisit(w, in, w->top, ".") : visit(w, in, node, ".");
	while (err >= 0 && w->levels.depth > 0)
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

	w->visited_max = 2 * w->visited + NEW_MIN;
	while (err >= 0 && w->top && !is_settled(w) && !is_enough(w) && w->round.n < ROUNDS_MAX) {
		if (w->round.n > 1)
			nanosleep(&pause, NULL);
		err = one_round(w, in, node);
	}
	return err < 0 || !w->top || is_settled(w) ? err : report_restless(w);
}

int upper_walk(const struct upper_layer *l, const struct upper_visitor *v)
{
	_cleanup_(walk_done) struct walk w = { .visitor = v };
	_cleanup_path_node_ struct path_node *node = path_node_new(NULL, l->path);
	const struct parent top = { l->upper_fd, l->lower_fd, 0, false };
	int err;

	levels_init(&w.levels, l);
	w.compare = compare_new();
	strbuf_add(&w.path, l->path);
	if (!w.compare || !node || w.path.failed)
		return -ENOMEM;

	err = walk_all(&w, &top, node);
	return err < 0 ? err : 0;
}
