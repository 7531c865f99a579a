/* SPDX-License-Identifier: MIT */
#include "layer/attributes.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/overlay-attributes.h"

/* The two forms in which a file has ACLs; acl(5). */
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* The form in which xfs stores them, and lists them a second time; overlayfs copies it up, and there it goes stale. */
#define XFS_ACL_PREFIX "trusted.SGI_ACL_"

/* The kernel allocates what it is offered. */
#define FEW_BYTES 512u

#define READ "read attribute"

bool attributes_is_of_overlay(const char *name)
{
	return strncmp(name, OVERLAY_ATTRIBUTE_PREFIX, strlen(OVERLAY_ATTRIBUTE_PREFIX)) == 0 ||
	       strncmp(name, XFS_ACL_PREFIX, strlen(XFS_ACL_PREFIX)) == 0;
}

bool attributes_is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

/* One of O_PATH, as that of a symbolic link is, has no call by descriptor. */
static ssize_t list_into(int fd, const char *path, char *buffer, size_t size)
{
	ssize_t n = flistxattr(fd, buffer, size);

	return n < 0 && errno == EBADF ? listxattr(path, buffer, size) : n;
}

static ssize_t list_at_most(int fd, const char *path, size_t size, char **ret)
{
	_cleanup_free_ char *names = malloc(size);
	ssize_t n;

	if (!names)
		return -ENOMEM;
	n = list_into(fd, path, names, size);
	if (n < 0)
		return -errno;
	*ret = TAKE_PTR(names);
	return n;
}

/* Nearly all files have few or none: that takes one call. */
static ssize_t list_names(int fd, const char *path, char **ret)
{
	ssize_t n = list_at_most(fd, path, FEW_BYTES, ret);

	return n == -ERANGE ? list_at_most(fd, path, XATTR_LIST_MAX, ret) : n;
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

static int copy_xattrs(int from_fd, const char *from, const char *to, struct failure *f)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = list_names(from_fd, from, &names);

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

static int drop_all_acls(const char *path, struct failure *f)
{
	static const char *const names[] = { ACL_ACCESS, ACL_DEFAULT };

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (removexattr(path, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return failure_note_attribute(f, "remove attribute", names[i]);
	return 0;
}

/* To remove one that is not there is a write for some file systems, as a look is not. */
static int drop_acls(int fd, const char *path, struct failure *f)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = list_names(fd, path, &names);

	if (n < 0)
		return drop_all_acls(path, f);
	for (char *name = names; name < names + n; name += strlen(name) + 1)
		if (attributes_is_acl(name))
			return drop_all_acls(path, f);
	return 0;
}

/* As list_into(). */
static int set_mode(int fd, const char *path, mode_t mode)
{
	int r = fchmod(fd, mode);

	return r < 0 && errno == EBADF ? chmod(path, mode) : r;
}

static int set_times(int fd, const char *path, const struct timespec times[2])
{
	int r = futimens(fd, times);

	return r < 0 && errno == EBADF ? utimensat(AT_FDCWD, path, times, 0) : r;
}

/* Only what differs: each of the calls is a write. */
static int set_owner_and_mode(int fd, const char *path, const struct stat *st, struct failure *f)
{
	struct stat is;
	bool owner;

	if (fstat(fd, &is) < 0)
		return failure_note(f, "read the attributes of");
	owner = is.st_uid != st->st_uid || is.st_gid != st->st_gid;
	/* Owner before mode: a change of owner clears the set-id bits. */
	if (owner && fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
		return failure_note(f, "set the owner of");
	/* A symbolic link has no mode. */
	if (S_ISLNK(st->st_mode) || (!owner && ((is.st_mode ^ st->st_mode) & 07777) == 0))
		return 0;
	return set_mode(fd, path, st->st_mode & 07777) < 0 ? failure_note(f, "set the mode of") : 0;
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
	err = drop_acls(to_fd, to.path, f);
	if (err < 0)
		return err;
	err = set_owner_and_mode(to_fd, to.path, &st, f);
	if (err < 0)
		return err;
	/* ACLs after the mode, which they contain; capabilities after the owner. */
	err = copy_xattrs(from_fd, from.path, to.path, f);
	if (err < 0)
		return err;

	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return set_times(to_fd, to.path, times) < 0 ? failure_note(f, "set the times of") : 0;
}

int attributes_plain(int fd, mode_t mode, struct failure *f)
{
	int err = drop_acls(fd, fd_name(fd).path, f);

	if (err < 0)
		return err;
	if (fchown(fd, 0, 0) < 0)
		return failure_note(f, "set the owner of");
	return fchmod(fd, mode) < 0 ? failure_note(f, "set the mode of") : 0;
}
