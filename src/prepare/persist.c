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
#include "prepare/prepared.h"
#include "prepare/told.h"
#include "prepare/wanted.h"
#include "trust/kept-persist.h"

static int make_empty(const struct wanted *w, int new_fd)
{
	_cleanup_close_ int fd = -1;

	if (!wanted_is_file(w))
		return mkdirat(new_fd, NEW_NAME, 0700) < 0 ? -errno : 0;

	fd = openat(new_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

static mode_t wanted_type(const struct wanted *w)
{
	return wanted_is_file(w) ? S_IFREG : S_IFDIR;
}

/* Returns: 1 if it has been copied, with its attributes; 0 if it is empty; or -errno. */
static int make_content(const struct wanted *w, int new_fd)
{
	int found = populate_check(w), err;
	struct stat st;

	if (found <= 0)
		return found < 0 ? found : make_empty(w, new_fd);
	err = populate_copy(w, new_fd);
	if (err < 0)
		return err;
	/* Somebody may have exchanged it since; opening a FIFO would wait for a writer. */
	if (fstatat(new_fd, NEW_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return (st.st_mode & S_IFMT) == wanted_type(w) ? 1 : -ESTALE;
}

/* Makes NEW_NAME complete, with its attributes, down to the medium. */
static int make_new(const struct wanted *w, int new_fd)
{
	_cleanup_close_ int fd = -1;
	int copied = make_content(w, new_fd), err;

	if (copied < 0)
		return copied;
	fd = openat(new_fd, NEW_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = owner_set(w, fd, copied);
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

static int find_or_make(struct way *way, const struct wanted *w)
{
	/* What a power cut has left may take the room that the next copy needs. */
	int err = copy_tree_remove(w->dir_fd, CONF_RESERVED_NAME);
	int found = kept_persist_check(way, w->dir_fd, w->persist);
	struct stat st;

	if (found < 0)
		return tell_refusal(way, found);
	if (found > 0) {
		if (fstatat(w->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		owner_compare(w, &st);
		return 0;
	}
	return err < 0 ? err : make_wanted(w);
}

/*
 * Makes the directories on the way to Directory=, and Directory= itself, whose mode and owner are the
 * application's business once it exists.
 */
static int make(struct way *way, const struct plan *plan, const struct plan_persist *p)
{
	const char *name = strrchr(p->directory, '/') + 1;
	_cleanup_close_ int dir_fd = way_open(way, 0755);

	if (dir_fd < 0)
		return tell_refusal(way, dir_fd);
	return find_or_make(way, &(struct wanted){ way->root_fd, plan, p, dir_fd, name });
}

static int prepare(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	_cleanup_way_ struct way way = { 0 };
	int err = way_to_persist(root_fd, plan, p, &way);

	if (err >= 0)
		err = kept_persist_check_path(&way, plan, p);
	if (err < 0)
		return tell_refusal(&way, err);
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
