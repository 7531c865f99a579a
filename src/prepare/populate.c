/* SPDX-License-Identifier: MIT */
#include "prepare/populate.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "layer/copy-tree.h"
#include "prepare/told.h"

#define LINKS_NAME	      "links" /* the directory for hard links of copy_tree() */
#define PROGRESS_MILLISECONDS 10000

/* The lower, by the directory that it is in: its path is walked once, and through no link. */
struct source {
	int dir_fd;
	const char *name;
};

/* What a copy needs, and what was free before anything was written. */
struct room {
	struct copy_size need;
	struct statvfs fs;
};

/*
 * The source is the file system that fstab mounts there, or nothing: its empty mount point would be
 * taken for the content, for good.
 */
static int check_lower_is_mounted(const struct wanted *w)
{
	const char *where;

	if (w->persist->lower_mount == SIZE_MAX)
		return 0;
	where = w->plan->lowers[w->persist->lower_mount].where;
	if (!mount_point_at(w->root_fd, where))
		return log_error(TOLD, "%s: Populate=yes has nothing to copy: %s is not mounted",
				 w->persist->path, where);
	return 0;
}

int populate_check(const struct wanted *w)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int err;

	if (!w->persist->conf->populate)
		return 0;
	err = check_lower_is_mounted(w);
	if (err < 0)
		return err;
	fd = wanted_open_lower(w);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (wanted_is_file(w) && !S_ISREG(st.st_mode))
		return -EISDIR;
	return 1;
}

static uint64_t free_bytes(const struct room *r)
{
	return (uint64_t)r->fs.f_bfree * r->fs.f_frsize;
}

static int log_no_room(const struct wanted *w, const struct room *r)
{
	return log_error(TOLD,
			 "%s: Populate=yes needs %" PRIu64 " bytes in %" PRIu64
			 " files; the partition has %" PRIu64 " bytes and %" PRIu64 " files free",
			 w->persist->path, r->need.bytes, r->need.inodes, free_bytes(r),
			 (uint64_t)r->fs.f_ffree);
}

static int check_room(const struct wanted *w, const struct source *from, struct room *ret)
{
	int err;

	if (fstatvfs(w->dir_fd, &ret->fs) < 0)
		return -errno;
	err = copy_tree_measure(from->dir_fd, from->name, ret->fs.f_frsize, &ret->need);
	if (err < 0)
		return err;
	/* f_files is 0 on a file system that makes inodes as they are needed. */
	if (ret->need.bytes > free_bytes(ret) ||
	    (ret->fs.f_files > 0 && ret->need.inodes > ret->fs.f_ffree))
		return log_no_room(w, ret);
	return 0;
}

/* A file system keeps some room for itself. */
static bool is_full(int fd)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0)
		return false;
	return fs.f_bfree < fs.f_blocks / 20 || (fs.f_files > 0 && fs.f_ffree == 0);
}

/* Calls that write fail with ENOSPC for want of room. Attributes have limits of their own as well. */
static bool lacks_room(const struct wanted *w, const struct failure *f, int err)
{
	return err == -ENOSPC && f->action &&
	       (strcmp(f->action, FAILURE_WRITE) == 0 || strcmp(f->action, FAILURE_CREATE) == 0) &&
	       is_full(w->dir_fd);
}

static int log_failed(const struct wanted *w, int err, const struct failure *f, const char *where)
{
	char text[FAILURE_TEXT_MAX];

	where += strspn(where, "/");
	return log_error(TOLD, "%s: cannot %s %s: %s", w->persist->path, failure_text(f, text),
			 *where ? where : w->name, failure_reason(f, err));
}

/* What was known before was enough: the rest is what the file system needs to find it again. */
static int log_full(const struct wanted *w, const struct room *r)
{
	return log_error(TOLD,
			 "%s: the partition is full: Populate=yes needs more than %" PRIu64
			 " bytes in %" PRIu64 " files; %" PRIu64 " bytes and %" PRIu64
			 " files were free",
			 w->persist->path, r->need.bytes, r->need.inodes, free_bytes(r),
			 (uint64_t)r->fs.f_ffree);
}

static int copy_lower(const struct wanted *w, const struct source *from, int new_fd,
		      const struct room *room)
{
	_cleanup_free_ char *where = NULL;
	_cleanup_close_ int links_fd = make_dir_at(new_fd, LINKS_NAME, 0700);
	struct failure f;
	int err;

	if (links_fd < 0)
		return links_fd;
	err = copy_tree(from->dir_fd, from->name, new_fd, NEW_NAME, links_fd, &f, &where);
	/* All of it at once, before the rename that makes it count. */
	if (err >= 0 && syncfs(new_fd) < 0)
		err = failure_note(&f, FAILURE_WRITE);
	if (err >= 0)
		return 0;
	if (lacks_room(w, &f, err))
		return log_full(w, room);
	return log_failed(w, err, &f, where ? where : "");
}

/* What the partition has less of, since one file may take longer than all others. */
static void log_progress(const struct wanted *w, const struct room *before)
{
	struct room now = { 0 };
	uint64_t used = 0;

	if (fstatvfs(w->dir_fd, &now.fs) == 0 && free_bytes(&now) < free_bytes(before))
		used = free_bytes(before) - free_bytes(&now);
	if (used > before->need.bytes)
		used = before->need.bytes;
	log_info("%s: %" PRIu64 " of %" PRIu64 " bytes have been copied", w->persist->path, used,
		 before->need.bytes);
}

struct progress {
	const struct wanted *wanted;
	const struct room *before;
	int stop[2]; /* a pipe, whose end for writing is closed to stop it */
	pthread_t thread;
};

static void *log_progress_until_stopped(void *data)
{
	const struct progress *p = data;
	struct pollfd stop = { .fd = p->stop[0], .events = POLLIN };

	while (poll(&stop, 1, PROGRESS_MILLISECONDS) == 0)
		log_progress(p->wanted, p->before);
	return NULL;
}

/* A thread of its own: one file may take long, and syncfs() longer. It ends with the program. */
static int start_progress(struct progress *p)
{
	int err;

	if (pipe2(p->stop, O_CLOEXEC) < 0)
		return -errno;
	err = pthread_create(&p->thread, NULL, log_progress_until_stopped, p);
	if (err == 0)
		return 0;
	close(p->stop[0]);
	close(p->stop[1]);
	return -err;
}

static void stop_progress(struct progress *p)
{
	close(p->stop[1]);
	pthread_join(p->thread, NULL);
	close(p->stop[0]);
}

static int copy_lower_with_progress(const struct wanted *w, const struct source *from, int new_fd,
				    const struct room *room)
{
	struct progress p = { .wanted = w, .before = room };
	/* Without progress it is copied all the same. */
	bool started = start_progress(&p) == 0;
	int err = copy_lower(w, from, new_fd, room);

	if (started)
		stop_progress(&p);
	return err;
}

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int populate_copy(const struct wanted *w, int new_fd)
{
	uint64_t began = milliseconds(), took;
	_cleanup_close_ int dir_fd = -1;
	struct source from;
	struct room room = { 0 };
	int err;

	dir_fd = wanted_open_lower_parent(w, &from.name);
	if (dir_fd < 0)
		return dir_fd;
	from.dir_fd = dir_fd;
	err = check_room(w, &from, &room);
	if (err < 0)
		return err;

	log_info("%s: copying %" PRIu64 " bytes in %" PRIu64 " files from %s", w->persist->path,
		 room.need.bytes, room.need.inodes, w->persist->lower);
	err = copy_lower_with_progress(w, &from, new_fd, &room);
	if (err < 0)
		return err;
	took = milliseconds() - began;
	log_info("%s: copied %" PRIu64 " bytes in %" PRIu64 ".%" PRIu64 " s", w->persist->path,
		 room.need.bytes, took / 1000, took % 1000 / 100);
	return 0;
}
