/* SPDX-License-Identifier: MIT */
/* rofs commit: the transaction. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/overlay-attributes.h"
#include "basic/text.h"
#include "layer/upper-found.h"
#include "rofs/commit/commit-copy.h"
#include "rofs/rofs.h"
#include "rofs/ui/caller.h"
#include "rofs/ui/end-window.h"
#include "system/event.h"
#include "system/log.h"
#include "transaction/caches.h"
#include "transaction/hide.h"
#include "transaction/history.h"
#include "transaction/interrupt.h"
#include "transaction/kept.h"

/* The file systems of all that is written; that of the root is the first one. */
struct where {
	const char **list;
	size_t n;
};

static bool has(const struct where *all, const char *where)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->list[i], where) == 0)
			return true;
	return false;
}

static int add_where(struct where *all, const char *where)
{
	if (has(all, where))
		return 0;
	if (array_reserve(all->list, all->n) < 0)
		return -ENOMEM;
	all->list[all->n++] = where;
	return 0;
}

static int find_where(const struct commit *c, struct where *ret)
{
	int err = add_where(ret, WINDOW_ROOT);

	for (size_t i = 0; i < c->n && err >= 0; i++)
		if (c->items[i].action != COMMIT_NOTHING)
			err = add_where(ret, commit_where(c, c->items[i].overlay));
	return err;
}

static int refuse(int err, const char *why)
{
	if (err == -EPERM && why)
		event_record(EVENT_COMMIT_REFUSED, why);
	if (err == -EPERM && why)
		return log_error(ROFS_REFUSED, "%s", why);
	if (why)
		return log_error(ROFS_WRONG, "%s", why);
	return log_error(ROFS_WRONG, "cannot write to flash: %s", strerror(-err));
}

/* The live directory keeps its time, which is that of what users see in it. */
static int hide_in(int upper_fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;
	int err;

	if (fstat(upper_fd, &st) < 0)
		return -errno;
	err = hide_in_upper(upper_fd);
	times[1] = st.st_mtim;
	return err >= 0 && futimens(upper_fd, times) < 0 ? -errno : err;
}

/* An overlay on the root of a file system would show the directory of transactions. */
static int hide_transactions(const struct commit *c, const struct where *all)
{
	const struct plan *p = &c->changes.loaded.plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		int err;

		if (o->lower_is_root || !c->changes.layers[i].path || o->on_partition ||
		    strcmp(commit_where(c, o), o->lower) != 0 || !has(all, o->lower))
			continue;
		err = hide_in(c->changes.layers[i].upper_fd);
		if (err < 0)
			return log_error(err, "%s: cannot hide " WINDOW_OTHER_DIR ": %s", o->path,
					 strerror(-err));
	}
	return 0;
}

/* A bound, as copy_tree_measure() has it. */
static void add_size(const struct commit_item *item, uint64_t block, struct copy_size *size)
{
	uint64_t stored = item->used < item->size ? item->used : item->size;

	if (item->action == COMMIT_NOTHING || item->action == COMMIT_GONE)
		return;
	if (item->further_name)
		return;
	size->inodes++;
	size->bytes += commit_is_dir(item) ? block : (stored + block - 1) / block * block;
}

/* What is written to the file system at @where, of which @fd is. */
static int find_need(const struct commit *c, const char *where, int fd, struct copy_size *ret)
{
	struct statvfs st;

	*ret = (struct copy_size){ 0 };
	if (fstatvfs(fd, &st) < 0)
		return -errno;
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(commit_where(c, c->items[i].overlay), where) == 0)
			add_size(&c->items[i], st.f_frsize ? st.f_frsize : 4096, ret);
	return 0;
}

static int check_room(struct commit_writer *w, char **ret_why)
{
	for (size_t fs = 0; fs < window_count(w->window); fs++) {
		struct copy_size size;
		int err = find_need(w->commit, window_where(w->window, fs),
				    window_fd(w->window, fs), &size);

		if (err >= 0)
			err = stage_room(w->stage, fs, &size, ret_why);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Before a transaction has begun. What earlier ones have left counts as free: whether it is removed is not known yet. */
static int check_room_at(const struct commit *c, const char *where, char **ret_why)
{
	_cleanup_close_ int fd = open_dir_at(c->changes.loaded.root.root_fd, where);
	bool is_root = strcmp(where, WINDOW_ROOT) == 0;
	struct copy_size need, left = { 0 };
	int err = fd < 0 ? fd : find_need(c, where, fd, &need);

	if (err < 0)
		return err;
	err = copy_tree_measure(fd, is_root ? WINDOW_ROOT_DIR : WINDOW_OTHER_DIR, 4096, &left);
	if (err < 0 && err != -ENOENT)
		return err;
	return room_check(fd, is_root ? "/" : where + strlen(WINDOW_ROOT), &need, &left, ret_why);
}

static int upper_of(const struct commit *c, const struct plan_overlay *o)
{
	return c->changes.layers[o - c->changes.loaded.plan.overlays].upper_fd;
}

/*
 * A directory that was new in the upper would be merged with the one that the lower is about to have, once the kernel
 * has forgotten it: what is deleted in it until then, without a whiteout, would be there again. Opaque, it never
 * is. That is no change of the live overlay: for the kernel, the attribute is an optimization while the lower has no
 * such directory (ovl_create_upper() in fs/overlayfs/dir.c).
 */
static int make_opaque(const struct commit *c, const struct commit_item *item, const char *path)
{
	_cleanup_close_ int fd = open_beneath(upper_of(c, item->overlay),
					      path + strlen(item->overlay->path),
					      O_RDONLY | O_DIRECTORY);

	/* It is not there any more. */
	if (fd < 0)
		return is_race(fd) ? 0 : fd;
	return fsetxattr(fd, OVERLAY_ATTRIBUTE_OPAQUE, "y", 1, 0) < 0 ? -errno : 0;
}

static int make_new_opaque(struct commit_writer *w)
{
	const struct commit *c = w->commit;

	for (size_t i = 0; i < c->n; i++) {
		const struct commit_item *item = &c->items[i];
		const char *path;
		int err;

		if (item->action != COMMIT_COPY || !commit_is_dir(item) || item->change.opaque)
			continue;
		path = path_text_set(&w->path, item->path, NULL);
		err = path ? make_opaque(c, item, path) : -ENOMEM;
		if (err < 0)
			return log_error(err, "cannot mark a new directory of %s as opaque: %s",
					 item->overlay->path, strerror(-err));
	}
	return 0;
}

/*
 * What is to be done was decided by what was on flash then. A directory that is new would take the place of the one that
 * another commit has written since, with what that has in it. Returns 0, -EPERM with @ret_why, or another -errno.
 */
static int check_latest(const struct commit *c, char **ret_why)
{
	unsigned latest;
	int err = history_latest(c->changes.loaded.root.root_fd, &latest);

	if (err < 0 || latest == c->latest)
		return err;
	err = text_format(
		ret_why,
		"another transaction has written to flash meanwhile; run rofs commit again");
	return err < 0 ? err : -EPERM;
}

/* Until the switch, everything is undone after a failure. Returns -1 to go on, else the exit status. */
static int stage_all(struct commit_writer *w)
{
	const struct stage_about about = { .kind = TRANSACTION_COMMIT,
					   .uid = caller_uid(),
					   .user = caller_name(),
					   .command = w->commit->command };
	_cleanup_free_ char *why = NULL;
	struct output o;
	int err = commit_check_conflicts(w->commit);

	if (err < 0)
		return err == -EPERM ? ROFS_REFUSED : ROFS_WRONG;
	err = check_latest(w->commit, &why);
	if (err >= 0)
		err = stage_begin(w->window, &about, &w->stage, &why);
	if (err >= 0)
		err = check_room(w, &why);
	if (err < 0)
		return refuse(err == -ENOSPC ? -EPERM : err, why);
	output_open(&o, false);
	progress_begin(&w->progress, &o, "copying", w->commit->total.bytes);
	err = commit_stage(w);
	if (err >= 0)
		err = make_new_opaque(w);
	if (err < 0)
		return err == -EPERM ? ROFS_REFUSED : ROFS_WRONG;
	stage_add_bytes(w->stage, w->progress.done);
	w->commit->total.bytes = w->progress.done;
	return -1;
}

/* Returns the exit status; nothing is switched unless it is ROFS_DONE, or @ret_part. */
static int stage_and_switch(struct commit_writer *w)
{
	_cleanup_free_ char *why = NULL;
	int status = stage_all(w), err;

	if (status >= 0)
		return status;
	if (stage_count(w->stage) == 0) {
		w->commit->total = (struct commit_total){ 0 };
		return ROFS_DONE; /* all of it was deleted meanwhile, and told */
	}
	err = stage_switch(w->stage, &why);
	if (err == -EUCLEAN)
		return log_error(ROFS_WRONG, "%s",
				 why ? why :
				       "the transaction was interrupted; reboot to complete it");
	return err < 0 ? refuse(err, why) : ROFS_DONE;
}

static int open_and_write(struct commit_writer *w, const struct where *all)
{
	_cleanup_free_ char *why = NULL;
	int err = window_open(w->commit->changes.loaded.root.root_fd, all->list, all->n, &w->window,
			      &why);
	int status;

	if (err < 0)
		return refuse(err, why);
	status = hide_transactions(w->commit, all) < 0 ? ROFS_WRONG : stage_and_switch(w);
	stage_done(w->stage);
	if (end_window(TAKE_PTR(w->window), status == ROFS_DONE ? "all is written; " : "") != 0)
		status = ROFS_WRONG;
	caches_drop(w->commit->changes.loaded.root.root_fd);
	return status;
}

int commit_write(struct commit *c)
{
	struct commit_writer w = COMMIT_WRITER_INIT(c);
	struct where all = { 0 };
	int status;

	interrupt_block();
	status = find_where(c, &all) < 0 ? log_error(ROFS_WRONG, "out of memory") :
					   open_and_write(&w, &all);
	commit_writer_done(&w);
	free(all.list);
	if (status != ROFS_DONE)
		interrupt_raise();
	return status;
}

int commit_check_window(struct commit *c)
{
	_cleanup_free_ char *why = NULL;
	struct where all = { 0 };
	int err = find_where(c, &all);

	if (err >= 0)
		err = window_check(c->changes.loaded.root.root_fd, all.list, all.n, &why);
	free(all.list);
	return err < 0 ? refuse(err, why) : -1;
}

int commit_check_room(struct commit *c)
{
	_cleanup_free_ char *why = NULL;
	struct where all = { 0 };
	int err = find_where(c, &all);

	for (size_t i = 0; i < all.n && err >= 0; i++)
		err = check_room_at(c, all.list[i], &why);
	free(all.list);
	return err < 0 ? refuse(err == -ENOSPC ? -EPERM : err, why) : ROFS_DONE;
}
