/* SPDX-License-Identifier: MIT */
#include "system/own-dir.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"

#define LINKS_MAX 40u /* MAXSYMLINKS of the kernel */

/* struct steps - those taken to the directory */
struct steps {
	unsigned links; /* followed so far */
	bool refused;	/* a link that others can change */
};

static bool is_of_caller_or_root(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* An ACL counts: what it allows at most stands in place of the group's bits. */
static bool others_may_write(const struct stat *st)
{
	return st->st_mode & (S_IWGRP | S_IWOTH);
}

static bool may_follow(int dir_fd, const struct stat *link)
{
	struct stat dir;

	return is_of_caller_or_root(link) && fstat(dir_fd, &dir) == 0 &&
	       is_of_caller_or_root(&dir) && !others_may_write(&dir);
}

static int go(struct steps *s, int dir_fd, char *path);

static int follow(struct steps *s, int dir_fd, int link_fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link_fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	if (++s->links > LINKS_MAX)
		return -ELOOP;
	target[n] = '\0';
	return go(s, dir_fd, target);
}

/* Returns: a descriptor of what the component leads to, or -errno. */
static int step(struct steps *s, int dir_fd, const char *name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return TAKE_FD(fd);
	if (may_follow(dir_fd, &st))
		return follow(s, dir_fd, fd);
	s->refused = true;
	return -ELOOP;
}

/* As the kernel does, but looking at each link. Cuts @path up. Returns: a descriptor or -errno. */
static int go(struct steps *s, int dir_fd, char *path)
{
	int fd = openat(dir_fd, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *state, *name;

	if (fd < 0)
		return -errno;
	for (name = strtok_r(path, "/", &state); name && fd >= 0;
	     name = strtok_r(NULL, "/", &state)) {
		int next = step(s, fd, name);

		close(fd);
		fd = next;
	}
	return fd;
}

/* Bytes of @path without slashes and dots at its end, which would have a link followed. */
static size_t length(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
		n--;
	return n;
}

static int open_by_steps(struct steps *s, const char *path)
{
	_cleanup_free_ char *copy = strndup(path, length(path)), *above = NULL;
	_cleanup_close_ int above_fd = -1;
	const char *slash, *name;

	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : copy;
	above = slash ? strndup(copy, (size_t)(name - copy)) : strdup(".");
	if (!above)
		return -ENOMEM;
	above_fd = go(s, AT_FDCWD, above);
	return above_fd < 0 ? above_fd : make_dir_at(above_fd, name, 0755);
}

static int refuse_name(void *data _unused_, const char *name _unused_)
{
	return -ENOTEMPTY;
}

/* Returns: NULL, or why the directory is not one to write to. */
static const char *reason_against(int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return strerror(errno);
	if (st.st_uid != geteuid())
		return "is owned by another user";
	if (others_may_write(&st))
		return "is writable by other users";
	return each_name(open_dir_at(dir_fd, "."), refuse_name, NULL) < 0 ? "is not empty" : NULL;
}

int own_dir_open(const char *path, const char **ret_why)
{
	struct steps s = { 0 };
	_cleanup_close_ int fd = *path ? open_by_steps(&s, path) : -ENOENT;
	int err = fd < 0 ? fd : -EPERM;

	if (s.refused)
		*ret_why = "is behind a symbolic link that other users can create or change";
	else if (fd == -ENOTDIR)
		*ret_why = "is not a directory";
	else
		*ret_why = fd < 0 ? NULL : reason_against(fd);
	return fd >= 0 && !*ret_why ? TAKE_FD(fd) : err;
}
