/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "prepare.h"
#include "value.h"

/* A directory that is not finished; a power cut may leave it, the next boot removes it. */
#define NEW_NAME ".rofs-new"

/* -1 for a name that is not given: fchown(2) leaves it as it is. */
static int find_user(const char *s, uid_t *ret)
{
	struct passwd *p;
	char *end;

	*ret = (uid_t)-1;
	if (!s)
		return 0;
	*ret = (uid_t)strtoul(s, &end, 10);
	if (!*end)
		return 0;
	errno = 0;
	p = getpwnam(s);
	if (!p)
		return complain(errno ? -errno : -ESRCH, "User=%s: there is no such user", s);
	*ret = p->pw_uid;
	return 0;
}

static int find_group(const char *s, gid_t *ret)
{
	struct group *g;
	char *end;

	*ret = (gid_t)-1;
	if (!s)
		return 0;
	*ret = (gid_t)strtoul(s, &end, 10);
	if (!*end)
		return 0;
	errno = 0;
	g = getgrnam(s);
	if (!g)
		return complain(errno ? -errno : -ESRCH, "Group=%s: there is no such group", s);
	*ret = g->gr_gid;
	return 0;
}

/* Like the path it will stand on, where that exists. */
static int copy_from_lower(int root_fd, const struct plan_persist *p, int fd)
{
	_cleanup_free_ char *lower = NULL;
	_cleanup_close_ int lower_fd = -1;

	if (asprintf(&lower, "/rofs/ro%s", p->path) < 0)
		return lower = NULL, -ENOMEM;
	lower_fd = open_dir_at(root_fd, lower);
	if (lower_fd >= 0)
		return attributes_copy(lower_fd, fd);
	return attributes_plain(fd);
}

static int set_attributes(int root_fd, const struct plan_persist *p, int fd)
{
	const struct conf_persist *c = p->conf;
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
	err = copy_from_lower(root_fd, p, fd);
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

/*
 * Finished under another name first: a power cut leaves the directory with its mode and owner, or
 * not at all.
 */
static int make_wanted(int root_fd, int dir_fd, const char *name, const struct plan_persist *p)
{
	_cleanup_close_ int fd = -1;
	int err;

	/* One that a power cut has left may have another's attributes. It is always empty. */
	if (unlinkat(dir_fd, NEW_NAME, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	fd = make_dir_at(dir_fd, NEW_NAME);
	if (fd < 0)
		return fd;
	err = set_attributes(root_fd, p, fd);
	if (err < 0) {
		unlinkat(dir_fd, NEW_NAME, AT_REMOVEDIR);
		return err;
	}
	if (fsync(fd) < 0 || renameat(dir_fd, NEW_NAME, dir_fd, name) < 0 || fsync(dir_fd) < 0)
		return -errno;
	return 0;
}

static int make_directory(int root_fd, const char *where, const struct plan_persist *p)
{
	_cleanup_free_ char *copy = strdup(p->conf->directory);
	_cleanup_close_ int dir_fd = open_dir_at(root_fd, where);
	char *name, *slash;
	struct stat st;

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

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return make_wanted(root_fd, dir_fd, name, p);
}

int persist_prepare(int root_fd, const struct plan_partition *partition,
		    const struct plan_persist *p)
{
	int err = make_directory(root_fd, partition->where, p);

	if (err < 0)
		return complain(err, "%s:%u: [Persist %s] Directory=%s: %s",
				p->conf->section.pos.file, p->conf->section.pos.line,
				p->conf->section.name, p->conf->directory, strerror(-err));
	return 0;
}
