/* SPDX-License-Identifier: MIT */
/* rofs revert: puts the files of the lower back, through the merged view, under running programs. */
#include <fcntl.h>
#include <libmount.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/chattr.h"
#include "layer/copy-tree.h"
#include "rofs/revert/revert.h"
#include "system/log.h"
#include "transaction/interrupt.h"

#define PUT_BACK    "put back"
#define PRIVATE	    ".rofs-revert"
#define PRIVATE_MAX 16u /* of them; somebody else may have made one */
#define COPY	    "copy"
#define LINKS	    "links"
#define LEFT	    "left"    /* of somebody else; never removed */
#define EXCHANGE    (1u << 1) /* RENAME_EXCHANGE; Linux 3.15 */

/* One path, in both trees. */
struct pair {
	const struct revert_item *item;
	int merged_dir, lower_dir; /* directories that it is in */
	const char *name;	   /* borrowed */
	const char *path;	   /* as users see it; borrowed */
};

static void pair_done(struct pair *p)
{
	closep(&p->merged_dir);
	closep(&p->lower_dir);
}

static int fail(struct revert *r, const struct pair *p, const struct failure *f, int err)
{
	_cleanup_free_ char *shown = NULL;
	char text[FAILURE_TEXT_MAX];

	r->failed = true;
	r->put -= p->item->action == REVERT_PUT;
	r->removed -= p->item->action == REVERT_REMOVE;
	r->attributes -= p->item->action == REVERT_ATTRIBUTES;
	if (text_escape(p->path, &shown) < 0)
		return -ENOMEM;
	log_error(0, "cannot %s %s: %s", failure_text(f, text), shown, failure_reason(f, err));
	return 0;
}

static int open_pair(const struct revert *r, struct pair *p)
{
	const struct plan_overlay *o = p->item->overlay;
	const struct upper_layer *l = &r->changes.layers[o - r->changes.loaded.plan.overlays];
	const char *below = p->path + strlen(o->path), *name;
	_cleanup_close_ int merged = -1;

	merged = open_dir_at(r->changes.loaded.root.root_fd, o->merged);
	if (merged < 0)
		return merged;
	p->merged_dir = open_parent_beneath(merged, below, &name);
	if (p->merged_dir < 0)
		return p->merged_dir;
	p->name = *name ? name : ".";
	if (p->item->action == REVERT_REMOVE)
		return 0;
	p->lower_dir = open_parent_beneath(l->lower_fd, below, &name);
	return p->lower_dir < 0 ? p->lower_dir : 0;
}

/* Immutable or append-only, it could be neither replaced nor removed. */
static void unlock_file(int dir_fd, const char *name)
{
	_cleanup_close_ int fd = -1;
	unsigned flags;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		(void)chattr_unlock(fd, &flags); /* what needs it fails then, and is reported */
}

/*
 * A directory beside the file, in which its copy is made. The one above may belong to anybody, who could put another
 * file of root's in the place of a copy that is about to get an owner. Nobody but root gets into this one.
 */
struct private
{
	int above_fd; /* borrowed */
	int fd;
	char name[sizeof(PRIVATE) + 12];
};

/* What an earlier run has left is used again. Returns 0, -EEXIST (somebody else has made it), or -errno. */
static int private_try(struct private *d, unsigned i)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	snprintf(d->name, sizeof(d->name), i > 0 ? PRIVATE "-%u" : PRIVATE, i);
	if (mkdirat(d->above_fd, d->name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open_dir_at(d->above_fd, d->name);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP || fd == -ENOENT ? -EEXIST : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 07777 & ~(mode_t)S_ISGID) != 0700)
		return -EEXIST;
	d->fd = TAKE_FD(fd);
	return 0;
}

/* It is removed by what is known to be in it: under its name, there may be another one now. */
static void private_empty(const struct private *d)
{
	(void)copy_tree_remove(d->fd, COPY);
	(void)copy_tree_remove(d->fd, LINKS);
}

static void private_remove(struct private *d)
{
	if (d->fd < 0)
		return;
	private_empty(d);
	(void)unlinkat(d->above_fd, d->name, AT_REMOVEDIR);
	closep(&d->fd);
}

static int private_make(struct private *d)
{
	int err = -EEXIST;

	for (unsigned i = 0; i < PRIVATE_MAX && err == -EEXIST; i++)
		err = private_try(d, i);
	if (err >= 0)
		private_empty(d);
	return err;
}

/* Linux 3.15; glibc has it since 2.28. */
static int exchange(int a_dir, const char *a, int b_dir, const char *b)
{
	return syscall(SYS_renameat2, a_dir, a, b_dir, b, EXCHANGE) < 0 ? -errno : 0;
}

/*
 * In a directory of somebody else, a directory of root's may have the name by now: it is neither given away nor
 * removed.
 */
static int check_owner(const struct revert_item *item, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == item->uid && st.st_gid == item->gid && st.st_mode == item->mode ?
		       0 :
		       -ESTALE;
}

static int check_replaced(const struct pair *p, const struct private *d)
{
	_cleanup_close_ int fd = openat(d->fd, COPY, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : check_owner(p->item, fd);
}

static bool is_copy(const struct private *d, const struct stat *copy)
{
	struct stat st;

	return fstatat(d->fd, COPY, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == copy->st_ino &&
	       st.st_dev == copy->st_dev;
}

/* What was taken out gets its name again. Whoever has exchanged it may do that once more. */
static void exchange_back(const struct pair *p, const struct private *d, const struct stat *copy)
{
	if (exchange(d->fd, COPY, p->merged_dir, p->name) < 0 || !is_copy(d, copy))
		(void)renameat(d->fd, COPY, d->fd, LEFT);
}

/* What had the name is removed only if it is what was there when the layers were read: by now, nobody can exchange it. */
static int exchange_and_remove(const struct pair *p, const struct private *d,
			       const struct stat *copy)
{
	int err = exchange(d->fd, COPY, p->merged_dir, p->name);

	if (err < 0)
		return err;
	err = check_replaced(p, d);
	if (err >= 0)
		return copy_tree_remove(d->fd, COPY);
	exchange_back(p, d, copy);
	return err;
}

/* The finished copy takes the name at once: whoever opens it gets all of the old file or all of the new one. */
static int put_in_place(const struct pair *p, const struct private *d)
{
	struct stat new, old;

	if (fstatat(d->fd, COPY, &new, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (fstatat(p->merged_dir, p->name, &old, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISDIR(old.st_mode) && !S_ISDIR(new.st_mode)))
		return renameat(d->fd, COPY, p->merged_dir, p->name) < 0 ? -errno : 0;
	return exchange_and_remove(p, d, &new);
}

/* The copy, to set its flags later: with some of them, it could not be renamed. -1 where it has none. */
static int open_copy(const struct private *d)
{
	struct stat st;

	if (fstatat(d->fd, COPY, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -1;
	return openat(d->fd, COPY, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
}

static int set_flags_of(const struct pair *p, int copy)
{
	_cleanup_close_ int from = openat(
		p->lower_dir, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (from < 0)
		return -errno;
	return chattr_read(from) == chattr_read(copy) ? 0 : chattr_set(copy, chattr_read(from));
}

static int copy_and_put(const struct pair *p, const struct private *d, struct failure *f)
{
	_cleanup_free_ char *where = NULL;
	_cleanup_close_ int links = make_dir_at(d->fd, LINKS, 0700), copy = -1;
	int err;

	if (links < 0)
		return links;
	err = copy_tree(p->lower_dir, p->name, d->fd, COPY, links, f, &where);
	if (err < 0)
		return err;
	*f = (struct failure){ .action = PUT_BACK };
	copy = open_copy(d);
	err = put_in_place(p, d);
	return err < 0 || copy < 0 ? err : set_flags_of(p, copy);
}

static void table_unrefp(struct libmnt_table **t)
{
	mnt_unref_table(*t);
}

static void iter_freep(struct libmnt_iter **i)
{
	mnt_free_iter(*i);
}

/* A directory that is replaced would take along what is mounted below it. Returns 0, -EBUSY, or another -errno. */
static int check_mounts(const char *path)
{
	_cleanup_(table_unrefp) struct libmnt_table *t =
		mnt_new_table_from_file("/proc/self/mountinfo");
	_cleanup_(iter_freep) struct libmnt_iter *i = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (!t || !i)
		return -ENOMEM;
	while (mnt_table_next_fs(t, i, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (target && path_is_at_or_below(target, path))
			return -EBUSY;
	}
	return 0;
}

static int put_copy(const struct pair *p, struct failure *f)
{
	_cleanup_(private_remove) struct private d = { .above_fd = p->merged_dir, .fd = -1 };
	int err = p->item->dir ? check_mounts(p->path) : 0;

	if (err >= 0)
		err = private_make(&d);
	return err < 0 ? err : copy_and_put(p, &d, f);
}

/* Extended attributes that the lower directory does not have; attributes_copy() removes none. */
static void remove_xattrs(int from, int to)
{
	const struct fd_name source = fd_name(from), target = fd_name(to);
	char names[XATTR_LIST_MAX];
	ssize_t n = listxattr(target.path, names, sizeof(names));

	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
		if (!attributes_is_of_overlay(name) && !attributes_is_acl(name) &&
		    getxattr(source.path, name, NULL, 0) < 0 && errno == ENODATA)
			removexattr(target.path, name);
}

static int put_attributes(const struct pair *p, int from, int to, struct failure *f)
{
	unsigned flags;
	int err = check_owner(p->item, to);

	if (err >= 0)
		err = chattr_unlock(to, &flags);
	if (err < 0)
		return err;
	remove_xattrs(from, to);
	err = attributes_copy(from, to, f);
	return err < 0 || chattr_read(from) == chattr_read(to) ? err :
								 chattr_set(to, chattr_read(from));
}

/* What is below it was put back, or is not asked for. */
static int put_time(const struct pair *p, int from, int to)
{
	struct timespec times[2];
	struct stat st, now;
	int err = check_owner(p->item, to);

	if (err < 0)
		return err;
	if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
		return -errno;
	if (st.st_mtim.tv_sec == now.st_mtim.tv_sec && st.st_mtim.tv_nsec == now.st_mtim.tv_nsec)
		return 0;
	times[0].tv_nsec = UTIME_OMIT;
	times[1] = st.st_mtim;
	return futimens(to, times) < 0 ? -errno : 0;
}

/* Both are opened once: whatever has the name later is not changed. */
static int put_dir(const struct pair *p, struct failure *f)
{
	_cleanup_close_ int from = open_dir_at(p->lower_dir, p->name),
			    to = open_dir_at(p->merged_dir, p->name);

	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	return p->item->action == REVERT_ATTRIBUTES ? put_attributes(p, from, to, f) :
						      put_time(p, from, to);
}

static int remove_one(const struct pair *p)
{
	unlock_file(p->merged_dir, p->name);
	if (unlinkat(p->merged_dir, p->name, p->item->dir ? AT_REMOVEDIR : 0) < 0 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

static int put_unlocked(const struct pair *p, struct failure *f)
{
	if (p->item->action == REVERT_REMOVE)
		return remove_one(p);
	unlock_file(p->merged_dir, p->name);
	return put_copy(p, f);
}

/* With the directory unlocked for as long as that takes. */
static int put_name(const struct pair *p, struct failure *f)
{
	_cleanup_close_ int dir = open_dir_at(p->merged_dir, ".");
	unsigned flags;
	int locked = dir < 0 ? dir : chattr_unlock(dir, &flags), err;

	if (locked < 0)
		return locked;
	err = put_unlocked(p, f);
	if (locked > 0)
		(void)chattr_set(dir, flags);
	return err;
}

static int put(const struct pair *p, struct failure *f)
{
	switch (p->item->action) {
	case REVERT_PUT:
	case REVERT_REMOVE:
		return put_name(p, f);
	case REVERT_ATTRIBUTES:
	case REVERT_ON_WAY:
		break;
	}
	return put_dir(p, f);
}

/* Files first, and what is deleted; then, from below, what is to be removed, and directories. */
static int put_one(struct revert *r, const struct revert_item *item, bool first)
{
	_cleanup_path_text_ struct path_text text = { 0 };
	_cleanup_(pair_done) struct pair p = { .item = item, .merged_dir = -1, .lower_dir = -1 };
	struct failure f = { 0 };
	int err;

	if (first != (item->action == REVERT_PUT))
		return 0;
	p.path = path_text_set(&text, item->path, NULL);
	if (!p.path)
		return -ENOMEM;
	f.action = item->action == REVERT_REMOVE ? "remove" : PUT_BACK;
	err = open_pair(r, &p);
	if (err >= 0)
		err = put(&p, &f);
	/* Somebody else has removed it. */
	if (err == -ENOENT && item->action != REVERT_PUT)
		return 0;
	return err < 0 ? fail(r, &p, &f, err) : 0;
}

int revert_put_all(struct revert *r)
{
	int err = 0;

	for (size_t i = 0; i < r->n && err >= 0; i++)
		err = interrupt_pending() ? -EINTR : put_one(r, &r->items[i], true);
	for (size_t i = r->n; i > 0 && err >= 0; i--)
		err = interrupt_pending() ? -EINTR : put_one(r, &r->items[i - 1], false);
	return err;
}
