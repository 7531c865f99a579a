/* SPDX-License-Identifier: MIT */
#include "layer/attributes.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/overlay-attributes.h"

/* The two forms in which a file has ACLs; acl(5). */
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

#define READ "read attribute"

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

static int copy_one(const char *from, const char *to, const char *name, struct failure *f)
{
	_cleanup_free_ char *value = NULL;
	ssize_t size, n;

	size = getxattr(from, name, NULL, 0);
	if (size < 0)
		return errno == ENODATA ? 0 : failure_note_attribute(f, READ, name);
	value = malloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	n = getxattr(from, name, value, (size_t)size);
	if (n < 0)
		return errno == ENODATA ? 0 : failure_note_attribute(f, READ, name);

	if (setxattr(to, name, value, (size_t)n, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP && strncmp(name, "user.", 5) == 0)
		return 0;
	return failure_note_attribute(f, "set attribute", name);
}

static int copy_xattrs(const char *from, const char *to, struct failure *f)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = list_names(from, &names);

	if (n == -EOPNOTSUPP)
		return 0;
	if (n < 0) {
		errno = (int)-n;
		return failure_note(f, "list the attributes of");
	}

	for (char *name = names; name && name < names + n; name += strlen(name) + 1) {
		int err = attributes_is_of_overlay(name) ? 0 : copy_one(from, to, name, f);

		if (err < 0)
			return err;
	}
	return 0;
}

static int drop_acls(const char *path, struct failure *f)
{
	static const char *const names[] = { ACL_ACCESS, ACL_DEFAULT };

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (removexattr(path, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return failure_note_attribute(f, "remove attribute", names[i]);
	return 0;
}

static int set_owner_and_mode(int fd, const char *path, const struct stat *st, struct failure *f)
{
	/* Owner before mode: a change of owner clears the set-id bits. */
	if (fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
		return failure_note(f, "set the owner of");
	/* A symbolic link has no mode. */
	if (!S_ISLNK(st->st_mode) && chmod(path, st->st_mode & 07777) < 0)
		return failure_note(f, "set the mode of");
	return 0;
}

int attributes_copy(int from_fd, int to_fd, struct failure *f)
{
	const struct fd_name from = fd_name(from_fd), to = fd_name(to_fd);
	struct timespec times[2];
	struct stat st;
	int err;

	if (fstat(from_fd, &st) < 0)
		return failure_note(f, "read the attributes of");

	/* It may have inherited ACLs from the directory above. */
	err = drop_acls(to.path, f);
	if (err < 0)
		return err;
	err = set_owner_and_mode(to_fd, to.path, &st, f);
	if (err < 0)
		return err;
	/* ACLs after the mode, which they contain; capabilities after the owner. */
	err = copy_xattrs(from.path, to.path, f);
	if (err < 0)
		return err;

	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return utimensat(AT_FDCWD, to.path, times, 0) < 0 ? failure_note(f, "set the times of") : 0;
}

int attributes_plain(int fd, mode_t mode, struct failure *f)
{
	int err = drop_acls(fd_name(fd).path, f);

	if (err < 0)
		return err;
	if (fchown(fd, 0, 0) < 0)
		return failure_note(f, "set the owner of");
	return fchmod(fd, mode) < 0 ? failure_note(f, "set the mode of") : 0;
}
