/* SPDX-License-Identifier: MIT */
#include "prepare/persist.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "conf/conf.h"
#include "layer/copy-tree.h"
#include "prepare/owner.h"
#include "prepare/populate.h"
#include "prepare/wanted.h"
#include "system/log.h"

static int make_empty(const struct wanted *w, int new_fd)
{
	_cleanup_close_ int fd = -1;

	if (!wanted_is_file(w))
		return mkdirat(new_fd, NEW_NAME, 0700) < 0 ? -errno : 0;

	fd = openat(new_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

static int make_content(const struct wanted *w, int new_fd)
{
	int found = populate_check(w);

	if (found < 0)
		return found;
	return found ? populate_copy(w, new_fd) : make_empty(w, new_fd);
}

/* Makes NEW_NAME complete, with its attributes, down to the medium. */
static int make_new(const struct wanted *w, int new_fd)
{
	_cleanup_close_ int fd = -1;
	int err = make_content(w, new_fd);

	if (err < 0)
		return err;
	fd = openat(new_fd, NEW_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = owner_set(w, fd);
	if (err < 0)
		return err;
	return fsync(fd) < 0 ? -errno : 0;
}

static int put_in_place(const struct wanted *w, int new_fd)
{
	if (renameat(new_fd, NEW_NAME, w->dir_fd, w->name) < 0 || fsync(w->dir_fd) < 0)
		return -errno;
	return 0;
}

/* It is completed beside its place, so that a power cut leaves it as declared or absent. */
static int make_wanted(const struct wanted *w)
{
	_cleanup_close_ int new_fd = -1;
	int err = owner_check(w);

	if (err < 0)
		return err;
	new_fd = make_dir_at(w->dir_fd, CONF_RESERVED_NAME, 0700);
	if (new_fd < 0)
		return new_fd;
	err = make_new(w, new_fd);
	if (err >= 0)
		err = put_in_place(w, new_fd);
	/* In any case, so that a partition that was too small is as it was. */
	if (copy_tree_remove(w->dir_fd, CONF_RESERVED_NAME) < 0 || fsync(w->dir_fd) < 0)
		log_info("%s: incomplete data remains on the partition; the next boot removes it",
			 w->persist->path);
	return err;
}

static int check_existing(const struct wanted *w, const struct stat *st)
{
	if (wanted_is_file(w))
		return S_ISREG(st->st_mode) ? 0 : -EISDIR;
	return S_ISDIR(st->st_mode) ? 0 : -ENOTDIR;
}

static int find_or_make(const struct wanted *w)
{
	struct stat st;
	/* What a power cut has left may take the room that the next copy needs. */
	int err = copy_tree_remove(w->dir_fd, CONF_RESERVED_NAME);

	if (fstatat(w->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return check_existing(w, &st);
	if (errno != ENOENT)
		return -errno;
	return err < 0 ? err : make_wanted(w);
}

/* Makes the directories on the way to Directory=, and Directory= itself. */
static int make(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	_cleanup_free_ char *copy = strdup(p->directory);
	_cleanup_close_ int dir_fd = open_dir_at(root_fd, plan->partitions[p->partition].where);
	char *name, *slash;

	if (!copy)
		return -ENOMEM;
	if (dir_fd < 0)
		return dir_fd;

	for (name = copy + 1; (slash = strchr(name, '/')); name = slash + 1) {
		int next;

		*slash = '\0';
		next = make_dir_at(dir_fd, name, 0755);
		if (next < 0)
			return next;
		close(dir_fd);
		dir_fd = next;
	}
	return find_or_make(&(struct wanted){ root_fd, plan, p, dir_fd, name });
}

/* The mount unit asserts that this file exists: what has failed is not mounted, all else is. */
static int mark_prepared(int root_fd, const char *unit)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, PLAN_PREPARED_DIR, 0700), fd = -1;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, unit, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

int persist_prepare(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	int err = make(root_fd, plan, p);

	if (err >= 0)
		err = mark_prepared(root_fd, p->unit);
	if (err < 0)
		return log_error(err, "%s:%u: [Persist %s] Directory=%s: %s",
				 p->conf->section.pos.file, p->conf->section.pos.line,
				 p->conf->section.name, p->directory, strerror(-err));
	return 0;
}
