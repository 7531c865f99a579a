/* SPDX-License-Identifier: MIT */
/* rofs commit: the copy of one file, which may be in use, and may have several names. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/text.h"
#include "layer/chattr.h"
#include "layer/upper-found.h"
#include "rofs/commit/commit-copy.h"
#include "system/log.h"
#include "transaction/interrupt.h"

#define ATTEMPTS_MAX 3

/* For all files together: who has thousands of leases must not keep everybody from committing for days. */
#define LEASES_MSEC_MAX 60000u
#define LEASE_MSEC	20u

int commit_report(struct commit_writer *w, const struct commit_item *item, const struct failure *f,
		  int err)
{
	const char *path = path_text_set(&w->path, item->path, NULL);
	_cleanup_free_ char *shown = NULL;
	char text[FAILURE_TEXT_MAX];

	if (err == -EINTR)
		return err;
	progress_end(&w->progress);
	if (!path || text_escape(path, &shown) < 0)
		return log_error(-ENOMEM, "out of memory");
	return log_error(err, "cannot %s %s: %s", failure_text(f, text), shown,
			 failure_reason(f, err));
}

static int on_opened(void *data, int fd, const struct stat *st)
{
	struct commit_writer *w = data;

	w->device = st->st_dev;
	w->inode = st->st_ino;
	w->flags = chattr_read(fd);
	/* It is refused while the file is open for writing, or mapped shared and writable. */
	w->has_writer = fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
	if (!w->has_writer)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

static int on_copied(void *data, uint64_t bytes)
{
	struct commit_writer *w = data;

	progress_add(&w->progress, bytes);
	return interrupt_pending() ? -EINTR : 0;
}

/* 45 seconds are what the kernel gives each of them, by default. */
static int on_leased(void *data)
{
	static const struct timespec pause = { .tv_nsec = LEASE_MSEC * 1000000L };
	struct commit_writer *w = data;

	if (interrupt_pending())
		return -EINTR;
	if (w->leased_msec >= LEASES_MSEC_MAX)
		return -EAGAIN;
	w->leased_msec += LEASE_MSEC;
	nanosleep(&pause, NULL);
	return 0;
}

static bool is_changed(const struct stat *a, const struct stat *b)
{
	return a->st_ino != b->st_ino || a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
	       a->st_ctim.tv_sec != b->st_ctim.tv_sec || a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

static int set_flags(int dir_fd, const char *name, unsigned flags)
{
	_cleanup_close_ int fd = -1;

	if (flags == 0)
		return 0;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : chattr_set(fd, flags);
}

/* One attempt. Returns 1 when it changed meanwhile, or another file had its name for a moment; 0; or -errno. */
static int copy_once(struct commit_writer *w, const char *name, int to_dir, const char *to,
		     struct failure *f)
{
	const struct copy_watch watch = { on_opened, on_copied, on_leased, w };
	struct stat before, after;
	uint64_t done = w->progress.done;
	int err;

	*f = (struct failure){ 0 };
	w->flags = 0;
	w->has_writer = false;
	if (fstatat(w->at.fd, name, &before, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	w->device = before.st_dev;
	w->inode = before.st_ino;
	if (S_ISDIR(before.st_mode) || S_ISSOCK(before.st_mode))
		return -ENOENT;
	err = copy_file_watched(w->at.fd, name, to_dir, to, &before, &watch, f);
	if (err < 0)
		w->progress.done = done;
	if (err == -EINTR || err == -ENOMEM || err == -ENOSPC || err == -EDQUOT)
		return err;
	if (fstatat(w->at.fd, name, &after, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (is_race(err) || is_changed(&before, &after)) {
		w->progress.done = done;
		w->failed = err < 0 ? err : 0;
		return 1;
	}
	return err;
}

/* It was another file each time. Returns -ENOENT, or, if that is not why it could not be copied, another error. */
static int give_up(struct commit_writer *w, const struct commit_item *item, int to_dir,
		   const char *to, const struct failure *f)
{
	unlinkat(to_dir, to, 0);
	if (!is_race(w->failed))
		return commit_fail(w, item, to_dir, f, w->failed);
	commit_tell(w->commit, COMMIT_REPLACED_MEANWHILE, item->path);
	return -ENOENT;
}

/*
 * @ret_flags: not NULL: it gets its flags of chattr(1) later. Returns 0, -ENOENT (there is no such file any more), or
 * -errno; reported.
 */
static int copy(struct commit_writer *w, const struct commit_item *item, int to_dir, const char *to,
		unsigned *ret_flags)
{
	struct failure f;
	int err;

	for (int i = 1;; i++) {
		err = copy_once(w, item->path->name, to_dir, to, &f);
		if (err <= 0 || i == ATTEMPTS_MAX)
			break;
		if (unlinkat(to_dir, to, 0) < 0 && errno != ENOENT)
			return commit_report(w, item, &f, -errno);
	}
	if (err == -ENOENT) {
		unlinkat(to_dir, to, 0);
		commit_tell(w->commit, COMMIT_GONE_MEANWHILE, item->path);
		return err;
	}
	if (err > 0 && w->failed < 0)
		return give_up(w, item, to_dir, to, &f);
	if (err > 0)
		commit_tell(w->commit, COMMIT_CHANGED_MEANWHILE, item->path);
	else if (w->has_writer)
		commit_tell(w->commit, COMMIT_OPEN_WRITER, item->path);
	if (ret_flags)
		*ret_flags = w->flags;
	else if (err >= 0)
		err = set_flags(to_dir, to, w->flags);
	if (err < 0)
		unlinkat(to_dir, to, 0);
	return err < 0 ? commit_fail(w, item, to_dir, &f, err) : 0;
}

static struct commit_link *link_of(struct commit_writer *w, const struct commit_item *item)
{
	const struct stat st = { .st_dev = item->device, .st_ino = item->inode };
	struct inode *inode;

	/* They all were found before. */
	return inodes_find(&w->linked, &st, &inode) == 0 ? &w->links[inode->id] : NULL;
}

/* There cannot be another name of it: each name becomes a file. */
static bool is_of_names(int error)
{
	return error == EMLINK || error == EPERM || error == EOPNOTSUPP;
}

static int copy_first_name(struct commit_writer *w, const struct commit_item *item, int to_dir,
			   const char *to, int links_fd, const char *id)
{
	struct commit_link *l = link_of(w, item);
	int err;

	l->left--;
	err = copy(w, item, to_dir, to, l->left > 0 ? &l->flags : NULL);
	l->device = w->device;
	l->inode = w->inode;
	if (err < 0)
		return err;
	l->copied = linkat(to_dir, to, links_fd, id, 0) == 0;
	if (l->copied || is_of_names(errno))
		return 0;
	return commit_report(w, item, &(struct failure){ .action = FAILURE_CREATE }, -errno);
}

/*
 * Is it a name of the file that was copied? The names were found to be of one file earlier, and one of them may be in
 * a directory of somebody who has replaced it: what root has under the other one is not to become that.
 */
static bool is_same_file(const struct commit_writer *w, const struct commit_link *l,
			 const struct commit_item *item)
{
	struct stat st;

	return fstatat(w->at.fd, item->path->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == l->device && st.st_ino == l->inode;
}

/* Those that were copied get their flags now, if no other name comes. */
static int copy_instead(struct commit_writer *w, const struct commit_item *item, int to_dir,
			const char *to, int links_fd, const char *id)
{
	const struct commit_link *l = link_of(w, item);
	const struct failure f = { .action = FAILURE_CREATE };
	_cleanup_close_ int fd = -1;

	if (l->left == 0 && l->flags != 0) {
		fd = openat(links_fd, id,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 || unlinkat(links_fd, id, 0) < 0)
			return commit_report(w, item, &f, -errno);
		(void)chattr_set(fd, l->flags);
		stage_late_flags(w->stage);
	}
	return copy(w, item, to_dir, to, NULL);
}

/* The last one takes the name among the links: no file ever has more names than it is to have. */
static int link_further_name(struct commit_writer *w, const struct commit_item *item, int to_dir,
			     const char *to, int links_fd, const char *id)
{
	struct commit_link *l = link_of(w, item);
	const struct failure f = { .action = FAILURE_CREATE };
	int err;

	l->left--;
	if (!is_same_file(w, l, item))
		return copy_instead(w, item, to_dir, to, links_fd, id);
	if (l->left > 0 && linkat(links_fd, id, to_dir, to, 0) == 0)
		return 0;
	/* It has as many as the file system allows. The others are another file. */
	if (l->left > 0 && is_of_names(errno))
		return copy(w, item, to_dir, to, NULL);
	if (l->left > 0)
		return commit_report(w, item, &f, -errno);
	if (renameat(links_fd, id, to_dir, to) < 0)
		return commit_report(w, item, &f, -errno);
	err = set_flags(to_dir, to, l->flags);
	if (l->flags)
		stage_late_flags(w->stage);
	return err < 0 ? commit_report(w, item, &f, err) : 0;
}

static int copy_linked(struct commit_writer *w, const struct commit_item *item, size_t fs,
		       int to_dir, const char *to)
{
	const struct failure f = { .action = FAILURE_CREATE };
	const struct commit_link *l = link_of(w, item);
	int links_fd = stage_links_fd(w->stage, fs);
	char id[24];

	if (links_fd < 0)
		return commit_report(w, item, &f, links_fd);
	snprintf(id, sizeof(id), "%zu", (size_t)(l - w->links));
	return l->copied ? link_further_name(w, item, to_dir, to, links_fd, id) :
			   copy_first_name(w, item, to_dir, to, links_fd, id);
}

int commit_copy_file(struct commit_writer *w, const struct commit_item *item, size_t fs, int to_dir,
		     const char *to)
{
	const struct commit_link *l = item->links > 1 ? link_of(w, item) : NULL;

	if (l && l->left + l->copied > 1)
		return copy_linked(w, item, fs, to_dir, to);
	return copy(w, item, to_dir, to, NULL);
}

int commit_count_links(struct commit_writer *w)
{
	const struct commit *c = w->commit;

	for (size_t i = 0; i < c->n; i++) {
		const struct commit_item *item = &c->items[i];
		const struct stat st = { .st_dev = item->device, .st_ino = item->inode };
		struct inode *inode;
		int new;

		if (item->links < 2 || !commit_is_copied(item))
			continue;
		new = inodes_find(&w->linked, &st, &inode);
		if (new < 0 || (new > 0 && array_reserve(w->links, inode->id) < 0))
			return -ENOMEM;
		if (new > 0)
			w->links[inode->id] = (struct commit_link){ 0 };
		w->links[inode->id].left++;
	}
	return 0;
}
