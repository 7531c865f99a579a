/* SPDX-License-Identifier: MIT */
/* rofs commit: copies from the merged views, and what is to be done with each path. */
#include "rofs/commit/commit-copy.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/chattr.h"
#include "layer/copy-tree.h"
#include "layer/upper-found.h"
#include "system/log.h"
#include "transaction/interrupt.h"

#define SURE_DEPTH  64u /* up to which the way back is found again, however often it is lost */
#define RETURNS_MAX 64u /* below that */

/* A directory on the way to where the writer is. */
struct commit_level {
	const struct commit_item *item;
	size_t fs;
	struct slot slot; /* of a copy that takes its place; its path is "" for none */
};

void commit_writer_done(struct commit_writer *w)
{
	progress_end(&w->progress);
	descent_done(&w->at);
	inodes_done(&w->linked);
	path_text_done(&w->path);
	free(w->levels);
	free(w->links);
}

const char *commit_where(const struct commit *c, const struct plan_overlay *o)
{
	return o->lower_is_root ? WINDOW_ROOT : c->changes.loaded.plan.lowers[o->lower_mount].where;
}

static size_t fs_of(const struct commit_writer *w, const struct plan_overlay *o)
{
	const char *where = commit_where(w->commit, o);
	size_t i = 0;

	while (i < window_count(w->window) && strcmp(window_where(w->window, i), where) != 0)
		i++;
	return i;
}

int commit_lower_path(struct commit_writer *w, const struct commit_item *item, char **ret)
{
	const struct plan_overlay *o = item->overlay;
	const char *path = path_text_set(&w->path, item->path, NULL), *lower;
	int n;

	if (!path)
		return -ENOMEM;
	lower = o->lower + strlen(commit_where(w->commit, o));
	lower += strspn(lower, "/");
	path += strlen(o->path);
	n = text_format(ret, "%s%s", lower, *lower ? path : path + (*path == '/'));
	if (n >= 0 && !**ret)
		n = text_format(ret, ".");
	return n;
}

static int report_stage(struct commit_writer *w, const struct commit_item *item, int err)
{
	const struct failure f = { .action = "write" };
	const char *why = err == -EPERM ? stage_why(w->stage) : NULL;

	if (!why)
		return commit_fail(w, item, window_fd(w->window, fs_of(w, item->overlay)), &f,
				   err == -ENOENT ? -ESTALE : err);
	progress_end(&w->progress);
	return log_error(err, "%s", why);
}

/* What is in the slot takes the place of @item. */
static int stage_item(struct commit_writer *w, const struct commit_item *item, size_t fs,
		      const char *slot)
{
	_cleanup_free_ char *path = NULL;
	int err = commit_lower_path(w, item, &path);

	if (err < 0)
		return commit_report(w, item, &(struct failure){ 0 }, err);
	if (item->action == COMMIT_GONE)
		err = stage_gone(w->stage, fs, path);
	else if (item->action == COMMIT_COPY)
		err = stage_new(w->stage, fs, slot, path);
	else
		err = stage_attributes(w->stage, fs, slot, path);
	return err < 0 ? report_stage(w, item, err) : 0;
}

/* Returns 0, -ENOENT (it is left out), or another -errno. */
static int complete(struct commit_writer *w, const struct commit_level *l)
{
	struct failure f = { 0 };
	int err;

	if (w->at.to_fd < 0)
		return 0;
	err = attributes_copy(w->at.fd, w->at.to_fd, &f);
	if (err >= 0)
		err = chattr_set(w->at.to_fd, chattr_read(w->at.fd));
	return err < 0 ? commit_fail(w, l->item, w->at.to_fd, &f, err) : 0;
}

static int remove_copy(struct commit_writer *w, const struct commit_level *l)
{
	int err = *l->slot.path ? copy_tree_remove(l->slot.dir_fd, l->slot.name) :
				  copy_tree_remove(w->at.to_fd, l->item->path->name);

	return err < 0 ? commit_report(w, l->item, &(struct failure){ 0 }, err) : 0;
}

/* The directory above the current one, by the names on the way. Returns the descriptor or -1. */
static int open_above(struct commit_writer *w)
{
	size_t depth = w->at.n - 1;
	int fd = -1;

	/* Who moves deep directories away all the time is not to make this take time. */
	if (depth > SURE_DEPTH && w->returns++ >= RETURNS_MAX)
		return -1;
	for (size_t i = 0; i < depth; i++) {
		const struct commit_item *item = w->levels[i].item;
		int in = i == 0 ? w->commit->changes.loaded.root.root_fd : fd;
		int next = open_dir_at(in, i == 0 ? item->overlay->merged : item->path->name);

		if (fd >= 0)
			close(fd);
		fd = next;
		if (fd < 0)
			return -1;
	}
	return fd;
}

/* Somebody has moved the current directory. If the one above is moved as well, what is left in it is gone. */
static int go_back(struct commit_writer *w)
{
	int err = descent_leave(&w->at), found;

	if (!is_race(err))
		return err;
	found = descent_return(&w->at, open_above(w));
	if (found == 0)
		commit_lose(w, w->levels[w->at.n - 1].item);
	return found < 0 ? found : 0;
}

/* Goes back from the current directory: if it was copied, that is complete. */
static int leave(struct commit_writer *w)
{
	const struct commit_level *l = &w->levels[w->at.n - 1];
	int done = w->at.fd < 0 ? -ENOENT : complete(w, l), err;

	if (done < 0 && done != -ENOENT)
		return done;
	err = go_back(w);
	if (err < 0)
		return commit_report(w, l->item, &(struct failure){ 0 }, err);
	if (done < 0)
		return commit_is_copied(l->item) ? remove_copy(w, l) : 0;
	err = *l->slot.path ? stage_item(w, l->item, l->fs, l->slot.path) : 0;
	return err == -ENOENT ? 0 : err;
}

/* The directory beside the one of @item: in a slot, in the copy above, or none. */
static int make_copy_of_dir(struct commit_writer *w, const struct commit_item *item,
			    struct commit_level *l)
{
	const struct slot *slot = &l->slot;
	int err;

	if (item->action == COMMIT_COPY_IN)
		return mkdirat(w->at.to_fd, item->path->name, 0700) < 0 ?
			       -errno :
			       open_dir_at(w->at.to_fd, item->path->name);
	err = stage_slot(w->stage, l->fs, &l->slot);
	if (err < 0)
		return err;
	return mkdirat(slot->dir_fd, slot->name, 0700) < 0 ? -errno :
							     open_dir_at(slot->dir_fd, slot->name);
}

/* The attributes once now: if it cannot have them, nothing in it needs to be copied. */
static int begin_copy_of_dir(struct commit_writer *w, const struct commit_item *item,
			     struct commit_level *l, int fd)
{
	_cleanup_close_ int to_fd = make_copy_of_dir(w, item, l);
	struct failure f = { .action = FAILURE_CREATE };
	int err = to_fd, removed;

	if (err >= 0)
		err = attributes_copy(fd, to_fd, &f);
	if (err >= 0)
		return TAKE_FD(to_fd);
	err = commit_fail(w, item, window_fd(w->window, l->fs), &f, err);
	removed = err == -ENOENT && to_fd >= 0 ? remove_copy(w, l) : 0;
	return removed < 0 ? removed : err;
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP;
}

/*
 * Goes from the current directory into @item, which is in it. Returns 0, -ENOENT (there is no such directory any
 * more), or -errno; reported.
 */
static int enter(struct commit_writer *w, const struct commit_item *item)
{
	struct commit_level l = { .item = item, .fs = fs_of(w, item->overlay) };
	const struct failure f = { .action = "open" };
	int fd, to_fd = -1, err;

	if (item->left_out)
		return -ENOENT;
	if (array_reserve(w->levels, w->at.n) < 0)
		return -ENOMEM;
	fd = item->parent == SIZE_MAX ?
		     open_dir_at(w->commit->changes.loaded.root.root_fd, item->overlay->merged) :
		     open_dir_at(w->at.fd, item->path->name);
	if (is_gone(fd))
		return commit_tell(w->commit, COMMIT_GONE_MEANWHILE, item->path), -ENOENT;
	if (fd >= 0 && commit_is_copied(item))
		to_fd = begin_copy_of_dir(w, item, &l, fd);
	if (fd >= 0 && commit_is_copied(item) && to_fd < 0) {
		close(fd);
		return to_fd;
	}
	err = fd < 0 ? fd : descent_enter(&w->at, fd, NULL, to_fd);
	if (err < 0)
		return commit_report(w, item, &f, err == -ENOENT ? -ESTALE : err);
	w->levels[w->at.n - 1] = l;
	return 0;
}

/* Is @item the current directory, or one on the way to it? */
static bool is_on_way(const struct commit_writer *w, const struct commit_item *item)
{
	size_t depth = item->path->depth;

	return depth < w->at.n && w->levels[depth].item == item;
}

/* Goes to the directory @item, or to none for NULL. */
static int go_to(struct commit_writer *w, const struct commit_item *item)
{
	_cleanup_free_ const struct commit_item **way = NULL;
	size_t n = 0;
	int err = 0;

	for (; item && !is_on_way(w, item); item = commit_parent(w->commit, item)) {
		if (array_reserve(way, n) < 0)
			return -ENOMEM;
		way[n++] = item;
	}
	while (err >= 0 && w->at.n > (item ? item->path->depth + 1 : 0))
		err = leave(w);
	while (err >= 0 && n > 0)
		err = w->at.n > 0 && w->at.fd < 0 ? -ENOENT : enter(w, way[--n]);
	return err >= 0 && item && w->at.fd < 0 ? -ENOENT : err;
}

static int stage_file(struct commit_writer *w, const struct commit_item *item)
{
	size_t fs = fs_of(w, item->overlay);
	struct slot slot;
	int err = go_to(w, commit_parent(w->commit, item));

	if (err >= 0 && item->action == COMMIT_COPY_IN)
		err = commit_copy_file(w, item, fs, w->at.to_fd, item->path->name);
	if (err < 0 || item->action == COMMIT_COPY_IN)
		return err;
	err = stage_slot(w->stage, fs, &slot);
	if (err < 0)
		return report_stage(w, item, err);
	err = commit_copy_file(w, item, fs, slot.dir_fd, slot.name);
	return err < 0 ? err : stage_item(w, item, fs, slot.path);
}

/* A directory in a slot that has nothing but the attributes of the merged one. */
static int stage_template(struct commit_writer *w, const struct commit_item *item)
{
	size_t fs = fs_of(w, item->overlay);
	_cleanup_close_ int fd = -1;
	struct failure f = { 0 };
	struct slot slot;
	int err = go_to(w, item);

	if (err < 0)
		return err;
	err = stage_slot(w->stage, fs, &slot);
	if (err >= 0 && mkdirat(slot.dir_fd, slot.name, 0700) < 0)
		err = -errno;
	if (err >= 0)
		err = fd = open_dir_at(slot.dir_fd, slot.name);
	if (err >= 0)
		err = attributes_copy(w->at.fd, fd, &f);
	if (err >= 0)
		err = chattr_set(fd, chattr_read(w->at.fd));
	if (err < 0)
		return commit_fail(w, item, window_fd(w->window, fs), &f, err);
	return stage_item(w, item, fs, slot.path);
}

/*
 * No program can name it as a whole. With the paths of all that somebody has made at the bottom of thousands of
 * directories, the record would take gigabytes. Returns 0, -ENOENT (it is left out), or -ENOMEM.
 */
static int check_length(struct commit_writer *w, const struct commit_item *item)
{
	const struct failure f = { 0 };
	const char *path;

	if (item->action == COMMIT_NOTHING || item->action == COMMIT_COPY_IN)
		return 0;
	path = path_text_set(&w->path, item->path, NULL);
	if (!path)
		return -ENOMEM;
	if (strlen(path) < PATH_MAX)
		return 0;
	return item->action == COMMIT_TIME ?
		       -ENOENT :
		       commit_fail(w, item, window_fd(w->window, fs_of(w, item->overlay)), &f,
				   -ENAMETOOLONG);
}

static int stage_one(struct commit_writer *w, const struct commit_item *item)
{
	int err = check_length(w, item);

	if (err < 0)
		return err;
	switch (item->action) {
	case COMMIT_COPY:
	case COMMIT_COPY_IN:
		return commit_is_dir(item) ? go_to(w, item) : stage_file(w, item);
	case COMMIT_GONE:
		return stage_item(w, item, fs_of(w, item->overlay), NULL);
	case COMMIT_ATTRIBUTES:
	case COMMIT_TIME:
		return stage_template(w, item);
	case COMMIT_NOTHING:
	case _COMMIT_ACTION_MAX:
		break;
	}
	return 0;
}

static int uncount(struct commit_total *total, const struct commit_item *item)
{
	total->files -= commit_is_copied(item);
	total->attributes -= item->action == COMMIT_ATTRIBUTES;
	return 0;
}

/* One overlay after the other: a directory of one that has another one below it is gone into only once. */
static int stage_overlay(struct commit_writer *w, const struct plan_overlay *o)
{
	struct commit *c = w->commit;
	int err = 0;

	for (size_t i = 0; i < c->n && err >= 0; i++) {
		if (c->items[i].overlay != o)
			continue;
		err = stage_one(w, &c->items[i]);
		if (err == -ENOENT) /* told: it is not there any more, or left out */
			err = uncount(&c->total, &c->items[i]);
		if (err >= 0 && interrupt_pending())
			err = -EINTR;
	}
	return err < 0 ? err : go_to(w, NULL);
}

int commit_stage(struct commit_writer *w)
{
	const struct plan *p = &w->commit->changes.loaded.plan;
	int err = commit_count_links(w);

	/* A writer that is about to come is told by a signal of the lease that was there for a moment. */
	signal(SIGIO, SIG_IGN);
	for (size_t i = 0; i < p->n_overlays && err >= 0; i++)
		err = stage_overlay(w, &p->overlays[i]);
	/* After a failure: an open directory of a copy would keep the file system from being read-only again. */
	descent_done(&w->at);
	progress_end(&w->progress);
	if (err == -ENOMEM)
		return log_error(err, "out of memory");
	if (err == -EINTR)
		return log_error(err, "interrupted; nothing was written");
	return err;
}
