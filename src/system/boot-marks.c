/* SPDX-License-Identifier: MIT */
#include "system/boot-marks.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "system/load.h"

/* In a tree, also of whoever reads it. */
static bool is_trusted_owner(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

int boot_marks_open(const struct rootfs *r)
{
	_cleanup_close_ int fd = -1;
	struct stat root, st;

	fd = openat(r->root_fd, "rofs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(r->root_fd, &root) < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != root.st_dev) /* the RAM pool */
		return -ENOENT;
	if (!is_trusted_owner(st.st_uid) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -ENOENT;
	return TAKE_FD(fd);
}

static bool is_marked(int dir_fd, struct diag *d)
{
	struct stat st;

	if (fstatat(dir_fd, BOOT_MARK_MAINTENANCE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISREG(st.st_mode) && is_trusted_owner(st.st_uid))
		return true;
	diag_warning(
		d, (struct pos){ .file = "/rofs/" BOOT_MARK_MAINTENANCE },
		"ignored: it is not a regular file that belongs to root; remove it and run rofs "
		"maintenance");
	return false;
}

static bool is_pending(int dir_fd, const char *name)
{
	char path[NAME_MAX + sizeof("/" BOOT_MARK_COPIES)];
	struct stat st;

	if (strncmp(name, BOOT_MARK_PENDING, strlen(BOOT_MARK_PENDING)) == 0)
		return true;
	if (strncmp(name, BOOT_MARK_KEPT, strlen(BOOT_MARK_KEPT)) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/" BOOT_MARK_COPIES, name);
	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* There are few names: one for each transaction that is kept. */
static bool has_pending(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool found = false;

	if (!dir) {
		closep(&fd);
		return false;
	}
	while (!found && (e = readdir(dir)))
		found = is_pending(dir_fd, e->d_name);
	closedir(dir);
	return found;
}

/* In a boot in which rofs acts, rofs-verify has published what is in force. */
static bool is_decided(const struct rootfs *r)
{
	struct stat st;

	return rootfs_stat(r, LOAD_PUBLISHED_DIR, &st) == 0;
}

static bool is_in_run(const struct rootfs *r, const char *path)
{
	struct stat st;

	return rootfs_stat(r, path, &st) == 0 && S_ISREG(st.st_mode) && is_trusted_owner(st.st_uid);
}

static int remember(int dir_fd, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : 0;
}

int boot_marks_remember(int root_fd, const struct boot_marks *m)
{
	_cleanup_close_ int dir_fd = -1;
	int err = 0;

	if (!m->commit && !m->pending)
		return 0;
	dir_fd = make_path(root_fd, "run/rofs", 0755);
	if (dir_fd < 0)
		return dir_fd;
	if (m->commit)
		err = remember(dir_fd, BOOT_MARK_COMMIT_IN_RUN);
	if (err >= 0 && m->pending)
		err = remember(dir_fd, BOOT_MARK_PENDING_IN_RUN);
	return err;
}

void boot_marks_read(const struct rootfs *r, struct diag *d, struct boot_marks *ret)
{
	_cleanup_close_ int fd = boot_marks_open(r);
	struct stat st;

	*ret = (struct boot_marks){ 0 };
	ret->maintenance = is_in_run(r, BOOT_MARK_IN_RUN);
	ret->commit = is_in_run(r, BOOT_MARK_COMMIT_IN_RUN);
	ret->pending = is_in_run(r, BOOT_MARK_PENDING_IN_RUN);
	if (fd < 0)
		return;
	ret->next_is_marked = is_marked(fd, d);
	if (fstatat(fd, BOOT_MARK_COMMIT, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    is_trusted_owner(st.st_uid))
		ret->commit = true;
	ret->pending = ret->pending || has_pending(fd);
	if (ret->next_is_marked && !ret->maintenance)
		ret->maintenance = !is_decided(r);
}
