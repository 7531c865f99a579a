/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>

#include "basic/mount-point.h"
#include "basic/value.h"
#include "conf/conf.h"
#include "layer/copy.h"
#include "prepare/kernel.h"
#include "prepare/prepare.h"
#include "system/log.h"

/*
 * What is not finished lies beside the place it is for, in a directory CONF_RESERVED_NAME. A power
 * cut may leave that one, the next boot removes it.
 */
#define NEW_NAME   "new"
#define LINKS_NAME "links"

/* One persist, and where its directory or file is to be. */
struct wanted {
	int root_fd;
	const struct plan *plan;
	const struct plan_persist *persist;
	int dir_fd; /* the directory that it is made in */
	const char *name;
};

/* Is there nothing to look up? No name is -1, which fchown(2) leaves as it is; a number is itself. */
static bool is_number(const char *name, unsigned *ret)
{
	char *end;

	*ret = UINT_MAX;
	if (!name)
		return true;
	*ret = (unsigned)strtoul(name, &end, 10);
	return !*end;
}

static int find_user(const char *name, uid_t *ret)
{
	struct passwd *p;

	if (is_number(name, ret))
		return 0;
	errno = 0;
	p = getpwnam(name);
	if (!p)
		return log_error(errno ? -errno : -ESRCH, "User=%s: there is no such user", name);
	*ret = p->pw_uid;
	return 0;
}

static int find_group(const char *name, gid_t *ret)
{
	struct group *g;

	if (is_number(name, ret))
		return 0;
	errno = 0;
	g = getgrnam(name);
	if (!g)
		return log_error(errno ? -errno : -ESRCH, "Group=%s: there is no such group", name);
	*ret = g->gr_gid;
	return 0;
}

static bool is_file(const struct plan_persist *p)
{
	return p->conf->kind == PERSIST_FILE;
}

static int wrong_type(const struct plan_persist *p)
{
	return is_file(p) ? -EISDIR : -ENOTDIR;
}

/* The path it will stand on, in the untouched system; -ENOENT where there is none. */
static int open_lower(const struct wanted *w)
{
	const char *lower = w->persist->lower + strspn(w->persist->lower, "/");
	int flags = is_file(w->persist) ? O_PATH : O_RDONLY | O_DIRECTORY;
	int fd = openat(w->root_fd, lower, flags | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR && is_file(w->persist) ? -ENOENT : -errno;
	return fd;
}

static int copy_from_lower(const struct wanted *w, int fd)
{
	_cleanup_close_ int lower_fd = open_lower(w);

	if (lower_fd >= 0)
		return attributes_copy(lower_fd, fd);
	return attributes_plain(fd, is_file(w->persist) ? 0644 : 0755);
}

/* Of these, mount options say it for all files: chown(2) fails, and chmod(2) does nothing. */
static bool has_owners(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	return fs.f_type != MAGIC_VFAT && fs.f_type != MAGIC_EXFAT;
}

static int check_owners(const struct wanted *w)
{
	const struct conf_persist *c = w->persist->conf;

	if (has_owners(w->dir_fd) ||
	    (c->mode == MODE_UNSET && !c->user && !c->group && !c->populate))
		return 0;
	return log_error(
		-EOPNOTSUPP,
		"%s: the file system of [Partition %s] keeps no owners and no modes; leave "
		"out Mode=, User=, Group= and Populate=, and say uid=, gid= and umask= in "
		"Options= of the partition",
		w->persist->path, c->partition);
}

static int set_attributes(const struct wanted *w, int fd)
{
	const struct conf_persist *c = w->persist->conf;
	struct stat st;
	uid_t uid;
	gid_t gid;
	int err;

	err = find_user(c->user, &uid);
	if (err < 0)
		return err;
	err = find_group(c->group, &gid);
	if (err < 0)
		return err;
	err = copy_from_lower(w, fd);
	if (err < 0)
		return err;

	/* The mode after the owner, whose change clears the set-id bits. */
	if (fstat(fd, &st) < 0 || fchown(fd, uid, gid) < 0)
		return -errno;
	return fchmod(fd, c->mode == MODE_UNSET ? st.st_mode & 07777 : c->mode) < 0 ? -errno : 0;
}

/* Opens or makes a directory on the way to the one that is wanted. */
static int enter(int dir_fd, const char *name)
{
	int fd = open_dir_at(dir_fd, name);

	if (fd != -ENOENT)
		return fd;
	if (mkdirat(dir_fd, name, 0755) < 0)
		return -errno;
	return open_dir_at(dir_fd, name);
}

/* An empty one, with NEW_NAME still to be opened. */
static int make_empty(const struct wanted *w, int new_fd)
{
	int fd;

	if (!is_file(w->persist))
		return mkdirat(new_fd, NEW_NAME, 0700) < 0 ? -errno : 0;

	fd = openat(new_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* What a copy needs, and what there was before anything was written. */
struct room {
	struct copy_size need;
	struct statvfs fs;
};

static int told_room(const struct wanted *w, int err, const struct room *r)
{
	return log_error(err,
			 "%s: Populate=yes needs %" PRIu64 " bytes in %" PRIu64
			 " files, and the partition has %" PRIu64 " bytes and %" PRIu64
			 " files free",
			 w->persist->path, r->need.bytes, r->need.inodes,
			 (uint64_t)r->fs.f_bfree * r->fs.f_frsize, (uint64_t)r->fs.f_ffree);
}

static int check_room(const struct wanted *w, struct room *ret)
{
	const char *lower = w->persist->lower + strspn(w->persist->lower, "/");
	int err;

	if (fstatvfs(w->dir_fd, &ret->fs) < 0)
		return -errno;
	err = copy_measure(w->root_fd, lower, ret->fs.f_frsize, &ret->need);
	if (err < 0)
		return err;
	/* A file system that makes inodes as they are needed has no number of them. */
	if (ret->need.bytes > (uint64_t)ret->fs.f_bfree * ret->fs.f_frsize ||
	    (ret->fs.f_files > 0 && ret->need.inodes > ret->fs.f_ffree))
		return told_room(w, -ENOSPC, ret);
	return 0;
}

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int copy_lower(const struct wanted *w, int new_fd, const struct room *room)
{
	const char *lower = w->persist->lower + strspn(w->persist->lower, "/");
	_cleanup_free_ char *where = NULL;
	_cleanup_close_ int links_fd = make_dir_at(new_fd, LINKS_NAME);
	int err;

	if (links_fd < 0)
		return links_fd;
	err = copy_all(w->root_fd, lower, new_fd, NEW_NAME, links_fd, &where);
	if (err == -ENOSPC || err == -EDQUOT)
		return told_room(w, err, room);
	if (err < 0)
		return log_error(err, "%s: copying %s%s: %s", w->persist->path, w->persist->lower,
				 where ? where : "", strerror(-err));
	return 0;
}

/*
 * What a copy is made from is the file system that fstab has for it, or nothing: its empty mount
 * point would be taken for the content, for good.
 */
static int check_lower_is_mounted(const struct wanted *w)
{
	const char *where;

	if (w->persist->lower_mount == SIZE_MAX)
		return 0;
	where = w->plan->lowers[w->persist->lower_mount].where;
	if (!mount_point_at(w->root_fd, where))
		return log_error(-ENOENT, "%s: Populate=yes has nothing to copy: %s is not mounted",
				 w->persist->path, where);
	return 0;
}

static int populate(const struct wanted *w, int new_fd)
{
	uint64_t began = milliseconds(), took;
	struct room room = { 0 };
	int err;

	err = check_room(w, &room);
	if (err < 0)
		return err;

	log_info("%s: copying %" PRIu64 " bytes in %" PRIu64 " files from %s", w->persist->path,
		 room.need.bytes, room.need.inodes, w->persist->lower);
	err = copy_lower(w, new_fd, &room);
	if (err < 0)
		return err;
	/* All of it at once, before the name that makes it count. */
	if (syncfs(new_fd) < 0)
		return errno == ENOSPC ? told_room(w, -errno, &room) : -errno;
	took = milliseconds() - began;
	log_info("%s: copied %" PRIu64 " bytes in %" PRIu64 ".%" PRIu64 " s", w->persist->path,
		 room.need.bytes, took / 1000, took % 1000 / 100);
	return 0;
}

/* Is there a lower to copy from? Of the wrong type it is a mistake: -EISDIR or -ENOTDIR. */
static int has_lower(const struct wanted *w)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open_lower(w);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (is_file(w->persist) && !S_ISREG(st.st_mode))
		return -EISDIR;
	return 1;
}

static int fill(const struct wanted *w, int new_fd)
{
	int err = 0;

	if (w->persist->conf->populate) {
		err = check_lower_is_mounted(w);
		if (err >= 0)
			err = has_lower(w);
	}
	if (err < 0)
		return err;
	return err > 0 ? populate(w, new_fd) : make_empty(w, new_fd);
}

/* Makes it in @new_fd, whole, with its attributes, and on the medium. */
static int make_new(const struct wanted *w, int new_fd)
{
	_cleanup_close_ int fd = -1;
	int err;

	err = fill(w, new_fd);
	if (err < 0)
		return err;
	fd = openat(new_fd, NEW_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = has_owners(fd) ? set_attributes(w, fd) : 0;
	if (err < 0)
		return err;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Finished beside its place first: a power cut leaves it as it is declared, or not at all. */
static int make_wanted(const struct wanted *w)
{
	_cleanup_close_ int new_fd = -1;
	int err = check_owners(w);

	if (err < 0)
		return err;
	new_fd = make_dir_at(w->dir_fd, CONF_RESERVED_NAME);
	if (new_fd < 0)
		return new_fd;
	err = make_new(w, new_fd);
	if (err >= 0 && renameat(new_fd, NEW_NAME, w->dir_fd, w->name) < 0)
		err = -errno;
	if (err >= 0 && fsync(w->dir_fd) < 0)
		err = -errno;
	/* In any case, so that a partition that was too small is as it was. */
	if (copy_remove(w->dir_fd, CONF_RESERVED_NAME) < 0 || fsync(w->dir_fd) < 0)
		log_info("%s: what is half made remains; the next boot removes it",
			 w->persist->path);
	return err;
}

static int check_existing(const struct plan_persist *p, const struct stat *st)
{
	bool right = is_file(p) ? S_ISREG(st->st_mode) : S_ISDIR(st->st_mode);

	return right ? 0 : wrong_type(p);
}

static int make_or_find(const struct wanted *w)
{
	struct stat st;
	/* What a power cut has left may take the room that the next one needs. */
	int err = copy_remove(w->dir_fd, CONF_RESERVED_NAME);

	if (fstatat(w->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return check_existing(w->persist, &st);
	if (errno != ENOENT)
		return -errno;
	return err < 0 ? err : make_wanted(w);
}

static int make(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	_cleanup_free_ char *copy = strdup(p->conf->directory);
	_cleanup_close_ int dir_fd = open_dir_at(root_fd, plan->partitions[p->partition].where);
	char *name, *slash;

	if (!copy)
		return -ENOMEM;
	if (dir_fd < 0)
		return dir_fd;

	for (name = copy + 1; (slash = strchr(name, '/')); name = slash + 1) {
		int next;

		*slash = '\0';
		next = enter(dir_fd, name);
		if (next < 0)
			return next;
		close(dir_fd);
		dir_fd = next;
	}
	return make_or_find(&(struct wanted){ root_fd, plan, p, dir_fd, name });
}

/* Its mount unit asks for this: what has failed is not mounted, and what has not is. */
static int mark_prepared(int root_fd, const char *unit)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, PLAN_PREPARED_DIR), fd = -1;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, unit, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

int persist_prepare(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	int err = make(root_fd, plan, p);

	if (err >= 0)
		err = mark_prepared(root_fd, p->unit);
	if (err < 0)
		return log_error(err, "%s:%u: [Persist %s] Directory=%s: %s",
				 p->conf->section.pos.file, p->conf->section.pos.line,
				 p->conf->section.name, p->conf->directory, strerror(-err));
	return 0;
}
