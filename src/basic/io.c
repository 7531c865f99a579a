/* SPDX-License-Identifier: MIT */
#include "basic/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macro.h"

int write_all(int fd, const void *data, size_t n)
{
	const char *s = data;

	while (n > 0) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

int write_bytes(int dir_fd, const char *name, mode_t mode, const void *data, size_t n)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	int err;

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	err = write_all(fd, data, n);
	if (err < 0)
		return err;

	/* A full file system may say so only now. */
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

int write_file(int dir_fd, const char *name, mode_t mode, const char *text)
{
	return write_bytes(dir_fd, name, mode, text, strlen(text));
}

int make_dir(int dir_fd, const char *name, mode_t mode)
{
	return mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int open_dir_at(int dir_fd, const char *path)
{
	int fd;

	path += strspn(path, "/");
	fd = openat(dir_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int make_dir_at(int dir_fd, const char *name, mode_t mode)
{
	int fd = open_dir_at(dir_fd, name), err;

	if (fd != -ENOENT)
		return fd;
	err = make_dir(dir_fd, name, mode);
	return err < 0 ? err : open_dir_at(dir_fd, name);
}

int make_path(int dir_fd, const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);
	char *state, *name;
	int fd;

	if (!copy)
		return -ENOMEM;

	fd = open_dir_at(dir_fd, ".");
	for (name = strtok_r(copy, "/", &state); name && fd >= 0;
	     name = strtok_r(NULL, "/", &state)) {
		int next = make_dir_at(fd, name, mode);

		close(fd);
		fd = next;
	}
	return fd;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int read_names(DIR *dir, int (*each)(void *data, const char *name), void *data)
{
	const struct dirent *e;

	while ((errno = 0, e = readdir(dir))) {
		int err = is_dots(e->d_name) ? 0 : each(data, e->d_name);

		if (err < 0)
			return err;
	}
	return -errno;
}

int each_name(int fd, int (*each)(void *data, const char *name), void *data)
{
	DIR *dir;
	int err;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	err = read_names(dir, each, data);
	closedir(dir);
	return err;
}

struct fd_name fd_name(int fd)
{
	struct fd_name n;

	snprintf(n.path, sizeof(n.path), "/proc/self/fd/%d", fd);
	return n;
}
