/* SPDX-License-Identifier: MIT */
#include "transaction/directory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/attributes.h"
#include "layer/chattr.h"

/* With these, nothing else could be set, and no template be removed. The caller sets them last. */
#define FIXED ((unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL))

static bool is_left(const char *name)
{
	return attributes_is_of_overlay(name) || attributes_is_acl(name);
}

/* A security module may insist on its label, which the template would have got from it as well. */
static bool may_stay(const char *name, int err)
{
	return err == ENODATA || err == EOPNOTSUPP ||
	       ((err == EACCES || err == EPERM) && strncmp(name, "security.", 9) == 0);
}

static int read_names(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_free_ char *names = NULL;
	ssize_t n = listxattr(path, NULL, 0);

	*ret_n = 0;
	if (n < 0 && errno == EOPNOTSUPP)
		return 0;
	if (n <= 0)
		return n < 0 ? -errno : 0;
	names = malloc((size_t)n);
	if (!names)
		return -ENOMEM;
	n = listxattr(path, names, (size_t)n);
	if (n < 0)
		return -errno;
	*ret = TAKE_PTR(names);
	*ret_n = (size_t)n;
	return 0;
}

static int remove_others(const char *from, const char *to)
{
	_cleanup_free_ char *names = NULL;
	size_t n;
	int err = read_names(to, &names, &n);

	if (err < 0)
		return err;
	for (const char *name = names; name && name < names + n; name += strlen(name) + 1) {
		if (is_left(name) || getxattr(from, name, NULL, 0) >= 0)
			continue;
		if (removexattr(to, name) < 0 && !may_stay(name, errno))
			return -errno;
	}
	return 0;
}

int directory_take_attributes(int from_fd, const char *from, int to_fd, const char *to)
{
	_cleanup_close_ int template = open_dir_at(from_fd, from), dir = open_dir_at(to_fd, to);
	struct fd_name from_name, to_name;
	int err;

	if (template <0 || dir < 0)
		return template <0 ? template : dir;
	from_name = fd_name(template);
	to_name = fd_name(dir);
	err = remove_others(from_name.path, to_name.path);
	if (err >= 0)
		err = chattr_set(dir, chattr_read(template) & ~FIXED);
	return err < 0 ? err : attributes_copy(template, dir, NULL);
}

int directory_save_attributes(int from_fd, const char *from, int to_fd, const char *to)
{
	if (mkdirat(to_fd, to, 0700) < 0)
		return -errno;
	return directory_take_attributes(from_fd, from, to_fd, to);
}
