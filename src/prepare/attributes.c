/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "prepare.h"

static ssize_t list_names(int fd, char **ret)
{
	for (;;) {
		_cleanup_free_ char *names = NULL;
		ssize_t size = flistxattr(fd, NULL, 0), n;

		if (size <= 0)
			return size < 0 ? -errno : 0;
		names = malloc((size_t)size);
		if (!names)
			return -ENOMEM;
		n = flistxattr(fd, names, (size_t)size);
		if (n < 0 && errno == ERANGE)
			continue; /* one was added meanwhile */
		if (n < 0)
			return -errno;

		*ret = TAKE_PTR(names);
		return n;
	}
}

static int copy_one(int from_fd, int to_fd, const char *name)
{
	_cleanup_free_ char *value = NULL;
	ssize_t size, n;

	size = fgetxattr(from_fd, name, NULL, 0);
	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	value = malloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	n = fgetxattr(from_fd, name, value, (size_t)size);
	if (n < 0)
		return errno == ENODATA ? 0 : -errno;

	if (fsetxattr(to_fd, name, value, (size_t)n, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP && strncmp(name, "user.", 5) == 0)
		return 0;
	return -errno;
}

static int copy_xattrs(int from_fd, int to_fd)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = list_names(from_fd, &names);

	if (n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;

	for (char *name = names; name && name < names + n; name += strlen(name) + 1) {
		int err = strncmp(name, "trusted.overlay.", 16) == 0 ?
				  0 :
				  copy_one(from_fd, to_fd, name);

		if (err < 0)
			return err;
	}
	return 0;
}

static int drop_acls(int fd)
{
	static const char *const names[] = { "system.posix_acl_access",
					     "system.posix_acl_default" };

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (fremovexattr(fd, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	return 0;
}

int attributes_copy(int from_fd, int to_fd)
{
	struct timespec times[2];
	struct stat st;
	int err;

	if (fstat(from_fd, &st) < 0)
		return -errno;

	/* What a default ACL of the directory above has given it is not what @from_fd has. */
	err = drop_acls(to_fd);
	if (err < 0)
		return err;

	/*
	 * Owner before mode: a change of owner clears the set-id bits. ACLs after the mode, which
	 * they contain.
	 */
	if (fchown(to_fd, st.st_uid, st.st_gid) < 0 || fchmod(to_fd, st.st_mode & 07777) < 0)
		return -errno;
	err = copy_xattrs(from_fd, to_fd);
	if (err < 0)
		return err;

	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return futimens(to_fd, times) < 0 ? -errno : 0;
}

int attributes_plain(int fd)
{
	int err = drop_acls(fd);

	if (err < 0)
		return err;
	return fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0 ? -errno : 0;
}
