/* SPDX-License-Identifier: MIT */
#include "transaction/target.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "basic/beneath.h"
#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "transaction/window.h"
#include "transaction/write-protected.h"

static int refuse(char **ret_why, const char *format, ...) _printf_(2, 3);

static int refuse(char **ret_why, const char *format, ...)
{
	va_list ap;
	int err;

	va_start(ap, format);
	err = text_format_printable(ret_why, format, ap);
	va_end(ap);
	return err < 0 ? err : -EPERM;
}

void target_done(struct target *t)
{
	if (t->where)
		closep(&t->fd);
	free(t->where);
	*t = (struct target){ 0 };
}

static int check_place(int root_fd, const struct target *t, char **ret_why)
{
	struct stat root;
	bool is_root = strcmp(t->where, "/") == 0;
	int mounted = mount_point_look(root_fd, is_root ? "." : t->where);

	if (mounted < 0)
		return mounted;
	if (!mounted)
		return refuse(ret_why, "nothing is mounted on %s; see rofs status", t->where);
	if (strcmp(t->where, WINDOW_ROOT) != 0)
		return 0;
	if (fstat(root_fd, &root) < 0)
		return -errno;
	if (root.st_dev != t->dev || root.st_ino != t->ino)
		return refuse(ret_why, "%s shows another directory than /; see rofs status",
			      t->where);
	return 0;
}

/* The name of a type is only known by the table of mounts: erofs and squashfs have no known number. */
static int check_type(const struct target *t, char **ret_why)
{
	const struct file_system *type = file_system_by_name(t->found.type);

	if (type->read_only)
		return refuse(ret_why, "%s is %s, which cannot be written; make a new image",
			      t->where, t->found.type);
	return 0;
}

static int check_device(int root_fd, const struct target *t, char **ret_why)
{
	_cleanup_free_ char *name = NULL;
	int protected = write_protected(root_fd, t->fd, t->dev, &name);

	if (protected <= 0)
		return protected;
	if (protected == WRITE_PROTECTED_VERITY)
		return refuse(ret_why,
			      "%s is on dm-verity (%s), which cannot be written; make a new image",
			      t->where, name);
	return refuse(ret_why, "the device of %s is write-protected (%s); remove the protection",
		      t->where, name);
}

static int check_subvolume(const struct target *t, char **ret_why)
{
	int protected = write_protected_subvolume(t->fd);

	if (protected <= 0)
		return protected;
	return refuse(ret_why,
		      "the subvolume on %s is read-only; btrfs property set makes it writable",
		      t->where);
}

static int remember(void *data, int id _unused_, const char *where)
{
	char **ret = data;

	*ret = strdup(where);
	return *ret ? 1 : -ENOMEM;
}

/* What is read-only only because the superblock is, becomes writable with it, for everybody. */
static int check_others(const struct target *t, char **ret_why)
{
	_cleanup_free_ char *where = NULL;
	int found, fd;

	if (t->found.rw)
		return 0;
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	found = superblock_each_writable(fd < 0 ? -errno : fd, &t->found, remember, &where);
	if (found <= 0)
		return found;
	return refuse(ret_why,
		      "the mount on %s would become writable with %s; remount it read-only first",
		      where, t->where);
}

/* Others could have it lead to a place of theirs, or put something into it. */
static int check_dir(const struct target *t, const char *dir, char **ret_why)
{
	struct stat st;

	if (fstatat(t->fd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode) && only_root_writes(&st))
		return 0;
	return refuse(ret_why,
		      "%s/%s is not a directory that is owned by root and writable only by it; "
		      "remove it in a maintenance boot",
		      t->where, dir);
}

static int check(int root_fd, const struct target *t, const char *dir, char **ret_why)
{
	int err = check_place(root_fd, t, ret_why);

	if (err >= 0)
		err = check_type(t, ret_why);
	if (err >= 0)
		err = check_device(root_fd, t, ret_why);
	if (err >= 0)
		err = check_subvolume(t, ret_why);
	if (err >= 0)
		err = check_others(t, ret_why);
	return err < 0 ? err : check_dir(t, dir, ret_why);
}

static int look(struct target *t)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return -errno;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	return superblock_look(t->fd, &t->found);
}

int target_open(int root_fd, const char *where, const char *dir, struct target *ret, char **ret_why)
{
	_cleanup_close_ int fd = open_beneath(root_fd, where, O_PATH | O_DIRECTORY);
	_cleanup_target_ struct target t = { 0 };
	int err;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return refuse(ret_why, "nothing is mounted on %s; see rofs status", where);
	if (fd < 0)
		return fd;
	t.where = strdup(where);
	if (!t.where)
		return -ENOMEM;
	t.fd = TAKE_FD(fd);

	err = look(&t);
	if (err >= 0)
		err = check(root_fd, &t, dir, ret_why);
	if (err < 0)
		return err;
	*ret = TAKE_STRUCT(t);
	return 0;
}
