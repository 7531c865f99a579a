/* SPDX-License-Identifier: MIT */
#include "basic/beneath.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/macro.h"
#include "basic/path.h"

static bool is_link_at(int dir_fd, const char *path)
{
	struct stat st;

	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* glibc has no function for it. */
static int open_at_once(int dir_fd, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd = syscall(__NR_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_component(int dir_fd, const char *name, int flags)
{
	_cleanup_close_ int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOTDIR)
		return is_link_at(dir_fd, name) ? -ELOOP : -ENOTDIR;
	if (fd < 0)
		return -errno;
	/* With O_PATH a link is opened itself. */
	if ((flags & O_PATH) && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)))
		return -ELOOP;
	return TAKE_FD(fd);
}

static int open_by_components(int dir_fd, const char *path, int flags)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int above = -1;
	char *name, *slash;

	if (!copy)
		return -ENOMEM;
	if (path_has_dotdot(path))
		return -EXDEV;

	for (name = copy; (slash = strchr(name, '/')); name = slash + 1) {
		int next;

		*slash = '\0';
		next = open_component(above < 0 ? dir_fd : above, name, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next;
		closep(&above);
		above = next;
	}
	return open_component(above < 0 ? dir_fd : above, name, flags);
}

/*
 * openat2(2) is in Linux 5.6. A container's filter may answer ENOSYS or EPERM, and a rename somewhere
 * else EAGAIN; whatever else EPERM means, the second way meets it again.
 */
static int open_part(int dir_fd, const char *path, int flags)
{
	int fd = open_at_once(dir_fd, path, flags);

	if (fd == -ENOSYS || fd == -EPERM || fd == -EAGAIN)
		return open_by_components(dir_fd, path, flags);
	return fd;
}

/* Of what the kernel takes at once, PATH_MAX: up to a slash, or all that there is. 0: a name is too long. */
static size_t first_part(const char *path)
{
	size_t n = strlen(path);

	if (n < PATH_MAX)
		return n;
	for (n = PATH_MAX - 1; n > 0 && path[n] != '/'; n--)
		;
	return n;
}

int open_beneath(int dir_fd, const char *path, int flags)
{
	_cleanup_close_ int above = -1;
	size_t n;

	path += strspn(path, "/");
	for (n = first_part(path); path[n]; n = first_part(path)) {
		_cleanup_free_ char *part = strndup(path, n);
		int next;

		if (!part || n == 0)
			return part ? -ENAMETOOLONG : -ENOMEM;
		next = open_part(above < 0 ? dir_fd : above, part, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next;
		closep(&above);
		above = next;
		path += n + 1;
	}
	return open_part(above < 0 ? dir_fd : above, *path ? path : ".", flags);
}

int open_parent_beneath(int dir_fd, const char *path, const char **ret_name)
{
	_cleanup_free_ char *parent = NULL;
	const char *slash;
	int fd;

	path += strspn(path, "/");
	slash = strrchr(path, '/');
	parent = strndup(path, slash ? (size_t)(slash - path) : 0);
	if (!parent)
		return -ENOMEM;
	fd = open_beneath(dir_fd, parent, O_PATH | O_DIRECTORY);
	if (fd >= 0)
		*ret_name = slash ? slash + 1 : path;
	return fd;
}

int beneath_find_link(int dir_fd, const char *path, char **ret)
{
	size_t start = strspn(path, "/"), end = start;

	while (path[end]) {
		_cleanup_free_ char *prefix = NULL;

		end += strcspn(path + end, "/");
		prefix = strndup(path, end);
		if (!prefix)
			return -ENOMEM;
		if (is_link_at(dir_fd, prefix + start)) {
			*ret = TAKE_PTR(prefix);
			return 1;
		}
		end += strspn(path + end, "/");
	}
	return 0;
}
