/* SPDX-License-Identifier: MIT */
#include "prepare/persist.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "conf/conf.h"
#include "layer/copy-tree.h"
#include "prepare/link.h"
#include "prepare/owner.h"
#include "prepare/populate.h"
#include "prepare/prepared.h"
#include "prepare/told.h"
#include "prepare/wanted.h"
#include "prepare/way.h"

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
	const struct plan_persist *p = w->persist;
	mode_t type = wanted_is_file(w) ? S_IFREG : S_IFDIR;

	if ((st->st_mode & S_IFMT) == type)
		return 0;
	return log_error(TOLD, "[Persist %s]: %s is not a %s; expected one, or nothing",
			 p->conf->section.name, p->what, persist_kind_to_string(p->conf->kind));
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

/*
 * Makes the directories on the way to Directory=, and Directory= itself, whose mode and owner are the
 * application's business once it exists.
 */
static int make(const struct way *way, const struct plan *plan, const struct plan_persist *p)
{
	const char *name = strrchr(p->directory, '/') + 1;
	_cleanup_free_ char *above = NULL;
	_cleanup_close_ int dir_fd = -1;

	if (text_format(&above, "%.*s", (int)(name - 1 - p->directory), p->directory) < 0)
		return -ENOMEM;
	dir_fd = way_open(way, above, 0755);
	if (dir_fd < 0)
		return dir_fd;
	return find_or_make(&(struct wanted){ way->root_fd, plan, p, dir_fd, name });
}

/*
 * The overlay that the path is in is bound to its own path only after this, if it is on the same
 * partition; so a link is looked for in the merged mount.
 */
static const struct plan_overlay *merged_above(int root_fd, const struct plan *plan,
					       const char *path)
{
	const struct plan_overlay *found = NULL;

	/* In path order: the last one is the nearest. */
	for (size_t i = 0; i < plan->n_overlays; i++)
		if (path_is_below(path, plan->overlays[i].path))
			found = &plan->overlays[i];
	return found && mount_point_at(root_fd, found->merged) ? found : NULL;
}

/*
 * systemd mounts on the path by its name. Whoever owns a directory on the way may have put a link
 * in its place, to have the mount on another path. It need not exist: systemd makes it.
 */
static int check_path(const struct way *way, const struct plan *plan, const struct plan_persist *p)
{
	const struct plan_overlay *o = merged_above(way->root_fd, plan, p->path);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (text_format(&path, "%s%s", o ? o->merged : "",
			o ? p->path + strlen(o->path) : p->path) < 0)
		return -ENOMEM;
	fd = open_beneath(way->root_fd, path, O_PATH);
	return fd == -ELOOP ? link_explain(way->subject, way->root_fd, path, fd) : 0;
}

static int prepare(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	_cleanup_free_ char *subject = NULL;
	struct way way = { .root_fd = root_fd,
			   .where = plan->partitions[p->partition].where,
			   .user = p->conf->user };
	int err = prepared_clear(root_fd, p->unit);

	if (err < 0)
		return err;
	if (text_format(&subject, "[Persist %s]", p->conf->section.name) < 0)
		return -ENOMEM;
	way.subject = subject;
	err = check_path(&way, plan, p);
	if (err >= 0)
		err = make(&way, plan, p);
	return err < 0 ? err : prepared_mark(root_fd, p->unit);
}

int persist_prepare(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	int err = prepare(root_fd, plan, p);

	if (err < 0)
		return tell(err, "%s:%u: [Persist %s] Directory=%s: %s", p->conf->section.pos.file,
			    p->conf->section.pos.line, p->conf->section.name, p->directory,
			    strerror(-err));
	return 0;
}
