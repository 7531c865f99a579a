/* SPDX-License-Identifier: MIT */
#include "verify/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macro.h"

static int open_dir(int root_fd, const char *dir)
{
	_cleanup_free_ char *path = strdup(dir);
	int fd;

	if (!path)
		return -ENOMEM;
	for (char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdirat(root_fd, path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	if (mkdirat(root_fd, path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fill(int dir_fd, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	size_t n = strlen(text);

	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	while (n > 0) {
		ssize_t k = write(fd, text, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		text += k;
		n -= (size_t)k;
	}
	return 0;
}

int files_replace(int root_fd, const char *dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = open_dir(root_fd, dir);
	_cleanup_free_ char *aside = NULL;
	int err;

	if (fd < 0)
		return fd;
	if (!*text)
		return unlinkat(fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	if (asprintf(&aside, ".%s.new", name) < 0)
		return aside = NULL, -ENOMEM;
	err = fill(fd, aside, text);
	if (err < 0)
		return err;
	return renameat(fd, aside, fd, name) < 0 ? -errno : 0;
}
