/* SPDX-License-Identifier: MIT */
#include "system/rootfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/strbuf.h"

#define LINKS_MAX  40u /* MAXSYMLINKS of the kernel */
#define READ_BYTES 4096u

/* Returns: 1, 0, also where it is missing or not for this user, or -errno. */
static int is_mount_point(int root_fd, const char *path)
{
	int err = mount_point_exists(root_fd, path);

	return err == -EACCES ? 0 : err;
}

/* Returns: 1, 0 or -errno. */
static int is_same_directory(int a, int b)
{
	struct stat x, y;

	if (fstat(a, &x) < 0 || fstat(b, &y) < 0)
		return -errno;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * /rofs/ro counts only as the bind of the root. If something else is mounted there, that must not
 * pass for the configuration: it may say that nothing is declared.
 */
static int open_lower(int root_fd, bool is_running)
{
	_cleanup_close_ int fd = -1;
	int err = is_mount_point(root_fd, "rofs/ro");

	if (err > 0) {
		fd = openat(root_fd, "rofs/ro", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		err = is_running ? is_same_directory(fd, root_fd) : 1;
	}
	if (err < 0)
		return err;
	err = fcntl(err > 0 ? fd : root_fd, F_DUPFD_CLOEXEC, 3);
	return err < 0 ? -errno : err;
}

static int is_something(_unused_ void *data, _unused_ const char *name)
{
	return -ENOTEMPTY;
}

/* Returns: 1: nothing is in it, or it does not exist; 0: something is; -errno. */
static int is_empty(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT ? 1 : -errno;
	err = each_name(fd, is_something, NULL);
	return err < 0 ? (err == -ENOTEMPTY ? 0 : err) : 1;
}

/*
 * On a file system of its own, if the root has nothing there. Otherwise what is mounted there has come
 * later, an overlay of ours or of systemd-sysext: then /usr is read below /rofs/ro as all others.
 */
static int usr_is_separate(const struct rootfs *r)
{
	int err = is_mount_point(r->root_fd, "usr");

	return err > 0 ? is_empty(r->lower_fd, "usr") : err;
}

/* @r: to be closed after a failure as well. Returns: 0 or -errno. */
static int open_parts(int dir_fd, const char *dir, struct rootfs *r)
{
	int err;

	r->root_fd = openat(dir_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->root_fd < 0)
		return -errno;
	r->lower_fd = open_lower(r->root_fd, strcmp(dir, "/") == 0);
	if (r->lower_fd < 0)
		return r->lower_fd;
	err = usr_is_separate(r);
	r->usr_is_separate = err > 0;
	return err < 0 ? err : 0;
}

int rootfs_open_at(int dir_fd, const char *dir, struct rootfs *ret)
{
	struct rootfs r = ROOTFS_INIT;
	int err = open_parts(dir_fd, dir, &r);

	if (err < 0) {
		rootfs_done(&r);
		return err;
	}
	*ret = r;
	return 0;
}

int rootfs_open(const char *dir, struct rootfs *ret)
{
	return rootfs_open_at(AT_FDCWD, dir, ret);
}

/* Both descriptors are copies of @fd. */
static int open_same(const struct rootfs *r, int fd, bool usr_is_separate, struct rootfs *ret)
{
	struct rootfs same = { .usr_is_separate = usr_is_separate, .diag = r->diag };

	same.root_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	same.lower_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (same.root_fd < 0 || same.lower_fd < 0) {
		int err = -errno;

		rootfs_done(&same);
		return err;
	}
	*ret = same;
	return 0;
}

int rootfs_open_merged(const struct rootfs *r, struct rootfs *ret)
{
	return open_same(r, r->root_fd, r->usr_is_separate, ret);
}

int rootfs_open_below(const struct rootfs *r, const char *path, struct rootfs *ret)
{
	_cleanup_close_ int fd = rootfs_open_dir(r, path);

	return fd < 0 ? fd : open_same(r, fd, false, ret);
}

bool rootfs_is_closed(const struct rootfs *r)
{
	return faccessat(r->root_fd, "rofs/ro", F_OK, 0) < 0 && errno == EACCES;
}

void rootfs_done(struct rootfs *r)
{
	closep(&r->root_fd);
	closep(&r->lower_fd);
	*r = (struct rootfs)ROOTFS_INIT;
}

int rootfs_note(const struct rootfs *r, int err)
{
	if (err < 0 && r->diag)
		rootfs_note_unread(err, r->diag);
	return err;
}

/* The descriptor that @path is read from; *@path becomes relative to it. */
static int base_of(const struct rootfs *r, const char **path)
{
	bool from_root = path_is_at_or_below(*path, "/run") ||
			 path_is_at_or_below(*path, "/proc") ||
			 (r->usr_is_separate && path_is_at_or_below(*path, "/usr"));

	*path += strspn(*path, "/");
	if (!**path)
		*path = ".";
	return from_root ? r->root_fd : r->lower_fd;
}

/* The target of the link at @path. -EINVAL: not a link. */
static int read_link(const struct rootfs *r, const char *path, char *buffer, size_t size)
{
	int base = base_of(r, &path);
	ssize_t n = readlinkat(base, path, buffer, size - 1);

	if (n < 0)
		return rootfs_note(r, -errno);
	if ((size_t)n >= size - 1)
		return -ENAMETOOLONG;
	buffer[n] = '\0';
	return 0;
}

static int look(const struct rootfs *r, const char *resolved, struct stat *ret)
{
	int base = base_of(r, &resolved);

	return fstatat(base, resolved, ret, AT_SYMLINK_NOFOLLOW) < 0 ? rootfs_note(r, -errno) : 0;
}

/* A path while it is resolved. */
struct resolving {
	const struct rootfs *rootfs;
	const struct path_set *mount_points; /* NULL: none */
	bool for_all;			     /* -EACCES unless any user could go this way */
	bool untrusted;	     /* the way ends at a link that is not followed: see is_trusted() */
	char done[PATH_MAX]; /* resolved, "" for the root */
	char rest[PATH_MAX]; /* still to be resolved */
	size_t stop; /* length of what @done is at or below, and where reading ends; 0: none */
};

/* Drops the last component of what is resolved. */
static void go_up(char *done)
{
	char *slash = strrchr(done, '/');

	if (slash)
		*slash = '\0';
}

static int append(char *done, const char *component, size_t n)
{
	size_t len = strlen(done);

	if (len + 1 + n >= PATH_MAX)
		return -ENAMETOOLONG;
	done[len] = '/';
	memcpy(done + len + 1, component, n);
	done[len + 1 + n] = '\0';
	return 0;
}

/* Replaces @rest, what is still to be resolved: it becomes a link's target and @tail. */
static int put_in_front(char *rest, const char *target, const char *tail)
{
	char joined[2 * PATH_MAX];
	int n = snprintf(joined, sizeof(joined), "%s%s", target, tail);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(rest, joined, (size_t)n + 1);
	return 0;
}

/* Below where reading ends a component may be a link: only from there itself it is known. */
static int step_up(struct resolving *x)
{
	if (x->stop && x->done[x->stop])
		return -EXDEV;
	x->stop = 0;
	go_up(x->done);
	return 0;
}

/* Replaces the last component, which is the link to @target; @tail is what follows it. */
static int follow(struct resolving *x, const char *target, const char *tail)
{
	int err;

	if (target[0] == '/')
		x->done[0] = '\0';
	else
		go_up(x->done);
	err = put_in_front(x->rest, target, tail);
	return err < 0 ? err : 1;
}

static bool is_owner(const struct stat *st, uid_t owner)
{
	return st->st_uid == 0 || st->st_uid == owner;
}

/*
 * Whoever made the link at @path, or moved it there, decides where a declared path leads. That must be
 * root, or who owns the whole tree, as of an image that is being built. Not even a sticky directory
 * above is good: a link of root's can be moved into it from a directory of one's own.
 */
static bool is_trusted(const struct rootfs *r, const char *link)
{
	char path[PATH_MAX];
	struct stat root, st;

	if (look(r, "/", &root) < 0 || look(r, link, &st) < 0 || !is_owner(&st, root.st_uid))
		return false;
	strcpy(path, link);
	do {
		go_up(path);
		if (look(r, path, &st) < 0 || !is_owner(&st, root.st_uid) || (st.st_mode & 022))
			return false;
	} while (path[0]);
	return true;
}

static int stop(struct resolving *x)
{
	x->stop = strlen(x->done);
	return 0;
}

/* Resolves the component at @at, @n bytes long. Returns 1 if a link has replaced the rest. */
static int step(struct resolving *x, const char *at, size_t n)
{
	char target[PATH_MAX];
	int err;

	if (n == 1 && at[0] == '.')
		return 0;
	if (n == 2 && at[0] == '.' && at[1] == '.')
		return step_up(x);

	err = append(x->done, at, n);
	if (err < 0 || x->stop)
		return err;
	if (x->mount_points && path_set_has(x->mount_points, x->done))
		return stop(x);
	err = read_link(x->rootfs, x->done, target, sizeof(target));
	if (err == -EINVAL || err == -ENOENT || err == -ENOTDIR)
		return 0;
	if (err < 0)
		return err;
	if (x->mount_points && !is_trusted(x->rootfs, x->done)) {
		x->untrusted = true;
		return stop(x);
	}
	return follow(x, target, at + n);
}

/* An ACL may close it to some, whatever the mode says. */
static bool has_acl(int fd)
{
	return getxattr(fd_name(fd).path, "system.posix_acl_access", NULL, 0) > 0;
}

/* Are these bits set, for the group as for all others, of what is at resolved @path? */
static bool is_for_all(const struct rootfs *r, const char *path, mode_t bits)
{
	int base = base_of(r, &path);
	_cleanup_close_ int fd = openat(base, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & bits) == bits && !has_acl(fd);
}

/* Leaves the result in x->done. Returns 1 if that is at or below where reading ends. */
static int resolve(struct resolving *x, const char *path)
{
	char *at = x->rest;
	unsigned links = 0;

	if (strlen(path) >= sizeof(x->rest))
		return -ENAMETOOLONG;
	strcpy(x->rest, path);

	for (;;) {
		size_t n;
		int err;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (n == 0)
			return x->stop ? 1 : 0;
		if (x->for_all && !is_for_all(x->rootfs, x->done, S_IXGRP | S_IXOTH))
			return -EACCES;
		err = step(x, at, n);
		if (err < 0)
			return err;
		if (err > 0 && ++links > LINKS_MAX)
			return -ELOOP;
		at = err > 0 ? x->rest : at + n;
	}
}

int rootfs_resolve_up_to(const struct rootfs *r, const char *path,
			 const struct path_set *mount_points, char **ret)
{
	struct resolving x = { .rootfs = r, .mount_points = mount_points };
	int found = resolve(&x, path);

	if (found < 0)
		return found;
	*ret = strdup(x.done[0] ? x.done : "/");
	if (!*ret)
		return -ENOMEM;
	return x.untrusted ? ROOTFS_UNTRUSTED : found;
}

int rootfs_resolve(const struct rootfs *r, const char *path, char **ret)
{
	return rootfs_resolve_up_to(r, path, NULL, ret);
}

bool rootfs_is_public_dir(const struct rootfs *r, const char *path)
{
	struct resolving x = { .rootfs = r, .for_all = true };

	return resolve(&x, path) == 0 && is_for_all(r, x.done, S_IXGRP | S_IXOTH);
}

bool rootfs_is_masked(const struct rootfs *r, const char *path)
{
	struct resolving x = { .rootfs = r, .mount_points = r->late };

	return resolve(&x, path) == 0 && strcmp(x.done, "/dev/null") == 0;
}

int rootfs_stat(const struct rootfs *r, const char *resolved, struct stat *ret)
{
	struct resolving x = { .rootfs = r, .mount_points = r->late };
	int late = r->late ? resolve(&x, resolved) : 0;

	if (x.untrusted)
		return -EPERM;
	if (late != 0)
		return late < 0 ? late : -ENOENT;
	return look(r, resolved, ret);
}

static bool look_in(const struct rootfs *r, const char *dir, const char *name, struct stat *ret)
{
	struct resolving x = { .rootfs = r, .mount_points = r->late };

	return resolve(&x, dir) == 0 && append(x.done, name, strlen(name)) == 0 &&
	       look(r, x.done, ret) == 0;
}

bool rootfs_has(const struct rootfs *r, const char *dir, const char *name)
{
	struct stat st;

	return look_in(r, dir, name, &st);
}

bool rootfs_has_link(const struct rootfs *r, const char *dir, const char *name)
{
	struct stat st;

	return look_in(r, dir, name, &st) && S_ISLNK(st.st_mode);
}

static int open_resolved(const struct rootfs *r, const char *path, bool for_all, int flags)
{
	struct resolving x = { .rootfs = r, .mount_points = r->late, .for_all = for_all };
	const char *relative = x.done;
	int err, base, fd;

	err = resolve(&x, path);
	if (err < 0)
		return err;
	if (x.untrusted)
		return -EPERM;
	/* A link that leads there says that something was meant. */
	if (err > 0)
		return strcmp(x.done, path) == 0 ? -ENOENT : -EXDEV;

	base = base_of(r, &relative);
	fd = openat(base, relative, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? rootfs_note(r, -errno) : fd;
}

int rootfs_open_dir(const struct rootfs *r, const char *path)
{
	return open_resolved(r, path, false, O_DIRECTORY);
}

static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char buffer[READ_BYTES];
	size_t len;
	int err;

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		strbuf_add_n(&b, buffer, (size_t)n);
		if (b.len > max)
			return -EFBIG;
	}

	len = b.len;
	err = strbuf_take(&b, ret);
	if (err < 0)
		return err;
	*ret_len = len;
	return 0;
}

static int read_file(const struct rootfs *r, const char *path, bool for_all, size_t max, char **ret,
		     size_t *ret_len)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO for reading would wait for a writer. */
	fd = open_resolved(r, path, for_all, O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return rootfs_note(r, -errno);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	if (for_all && ((st.st_mode & (S_IRGRP | S_IROTH)) != (S_IRGRP | S_IROTH) || has_acl(fd)))
		return -EACCES;
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return -EFBIG;

	return rootfs_note(r, read_all(fd, max, ret, ret_len));
}

int rootfs_read(const struct rootfs *r, const char *path, size_t max, char **ret, size_t *ret_len)
{
	return read_file(r, path, false, max, ret, ret_len);
}

int rootfs_read_public(const struct rootfs *r, const char *path, size_t max, char **ret,
		       size_t *ret_len)
{
	return read_file(r, path, true, max, ret, ret_len);
}

void rootfs_note_unread(int err, struct diag *d)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -EINVAL: /* not a link */
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENXIO:
	case -EFBIG:
	case -EILSEQ:
	case -EXDEV:
	case -EPERM: /* a link of another user's */
		return;
	default:
		d->unread = err;
	}
}

const char *rootfs_explain(int err)
{
	switch (err) {
	case -EISDIR:
		return "it is a directory; expected a file";
	case -ENXIO:
		return "it is not a regular file";
	case -EXDEV:
		return "it is on a file system that fstab mounts later";
	case -EPERM:
		return "it is behind a symbolic link that users other than root could have made or moved";
	case -EFBIG:
		return "it is larger than 1 MiB";
	case -ENOENT:
		return "it is a symbolic link to a path that does not exist";
	default:
		return strerror(-err);
	}
}
