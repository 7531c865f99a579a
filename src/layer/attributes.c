/* SPDX-License-Identifier: MIT */
#include "layer/attributes.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/macro.h"
#include "basic/overlay-attributes.h"

/* The two forms in which a file has ACLs; acl(5). */
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/*
 * The calls that take a descriptor fail with one of O_PATH, and symbolic links and devices have no
 * other. By this name the kernel finds exactly that file, and does not follow it if it is a link.
 */
struct name {
	char path[32];
};

static struct name name_of(int fd)
{
	struct name n;

	snprintf(n.path, sizeof(n.path), "/proc/self/fd/%d", fd);
	return n;
}

bool attributes_is_of_overlay(const char *name)
{
	return strncmp(name, OVERLAY_ATTRIBUTE_PREFIX, strlen(OVERLAY_ATTRIBUTE_PREFIX)) == 0;
}

bool attributes_is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static ssize_t list_names(const char *path, char **ret)
{
	for (;;) {
		_cleanup_free_ char *names = NULL;
		ssize_t size = listxattr(path, NULL, 0), n;

		if (size <= 0)
			return size < 0 ? -errno : 0;
		names = malloc((size_t)size);
		if (!names)
			return -ENOMEM;
		n = listxattr(path, names, (size_t)size);
		if (n < 0 && errno == ERANGE)
			continue; /* an attribute was added meanwhile */
		if (n < 0)
			return -errno;

		*ret = TAKE_PTR(names);
		return n;
	}
}

static int copy_one(const char *from, const char *to, const char *name)
{
	_cleanup_free_ char *value = NULL;
	ssize_t size, n;

	size = getxattr(from, name, NULL, 0);
	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	value = malloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	n = getxattr(from, name, value, (size_t)size);
	if (n < 0)
		return errno == ENODATA ? 0 : -errno;

	if (setxattr(to, name, value, (size_t)n, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP && strncmp(name, "user.", 5) == 0)
		return 0;
	return -errno;
}

static int copy_xattrs(const char *from, const char *to)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = list_names(from, &names);

	if (n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;

	for (char *name = names; name && name < names + n; name += strlen(name) + 1) {
		int err = attributes_is_of_overlay(name) ? 0 : copy_one(from, to, name);

		if (err < 0)
			return err;
	}
	return 0;
}

static int drop_acls(const char *path)
{
	static const char *const names[] = { ACL_ACCESS, ACL_DEFAULT };

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (removexattr(path, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	return 0;
}

static int set_owner_and_mode(int fd, const char *path, const struct stat *st)
{
	/* Owner before mode: a change of owner clears the set-id bits. */
	if (fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
		return -errno;
	/* A symbolic link has no mode. */
	return !S_ISLNK(st->st_mode) && chmod(path, st->st_mode & 07777) < 0 ? -errno : 0;
}

int attributes_copy(int from_fd, int to_fd)
{
	const struct name from = name_of(from_fd), to = name_of(to_fd);
	struct timespec times[2];
	struct stat st;
	int err;

	if (fstat(from_fd, &st) < 0)
		return -errno;

	/* It may have inherited ACLs from the directory above. */
	err = drop_acls(to.path);
	if (err < 0)
		return err;
	err = set_owner_and_mode(to_fd, to.path, &st);
	if (err < 0)
		return err;
	/* ACLs after the mode, which they contain; capabilities after the owner. */
	err = copy_xattrs(from.path, to.path);
	if (err < 0)
		return err;

	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return utimensat(AT_FDCWD, to.path, times, 0) < 0 ? -errno : 0;
}

int attributes_plain(int fd, mode_t mode)
{
	int err = drop_acls(name_of(fd).path);

	if (err < 0)
		return err;
	return fchown(fd, 0, 0) < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}
