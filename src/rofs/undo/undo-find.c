/* SPDX-License-Identifier: MIT */
/* rofs undo: which transaction, and can it be put back? */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "rofs/undo/undo.h"
#include "system/log.h"
#include "transaction/copies.h"
#include "transaction/names.h"
#include "transaction/place.h"
#include "transaction/record-text.h"
#include "transaction/window.h"

/* What the file systems of the transaction look like now. */
struct file_system {
	int root_fd;
	int kept_fd;
	struct timespec last; /* when the last transaction ended */
};

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int inode_at(int dir_fd, const char *path, uint64_t *ret)
{
	const char *name;
	_cleanup_close_ int fd = open_parent_beneath(dir_fd, path, &name);
	struct place_file f;
	int err;

	*ret = 0;
	/* Without the directory, there is nothing. */
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	err = fd < 0 ? fd : place_look(fd, name, &f);
	if (err >= 0)
		*ret = f.inode;
	return err;
}

/*
 * Has somebody edited a file since, in a maintenance boot? Then it is of the same inode, but no longer what the
 * transaction has written. The time that a directory was changed says nothing of the files in it.
 */
static bool is_edited(const struct file_system *fs, const char *path)
{
	const char *name;
	_cleanup_close_ int fd = open_parent_beneath(fs->root_fd, path, &name);
	struct stat st;

	if (fd < 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
		return false;
	return is_later(&st.st_ctim, &fs->last);
}

/* What is at the path if nothing but the transaction has changed it, and what is kept of it then; 0: nothing. */
static void expect(const struct record_entry *e, uint64_t *ret_at_path, uint64_t *ret_kept)
{
	*ret_at_path = e->operation == RECORD_GONE ? 0 : e->inode;
	*ret_kept = record_old_inode(e);
}

static int refuse_entry(const struct undo *u, const struct record_entry *e, const char *what)
{
	_cleanup_free_ char *path = NULL;

	if (record_user_path(&u->record, e, &path) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return log_error(ROFS_REFUSED, "%s %s; transaction %u cannot be undone", path, what,
			 u->record.number);
}

/* Returns -1 to go on, else the exit status. */
static int check_entry(const struct undo *u, const struct file_system *fs,
		       const struct record_entry *e)
{
	const char *slot = place_slot_name(e->slot);
	uint64_t at_path, kept, at_path_now, kept_now = 0;
	int err;

	if (!record_is_change(e))
		return -1;
	expect(e, &at_path, &kept);
	err = inode_at(fs->root_fd, e->path, &at_path_now);
	if (err >= 0 && kept && slot)
		err = inode_at(fs->kept_fd, slot, &kept_now);
	if (err < 0)
		return refuse_entry(u, e, strerror(-err));
	if (at_path != at_path_now || (at_path && is_edited(fs, e->path)))
		return refuse_entry(u, e, "on flash was changed since");
	if (kept != kept_now)
		return refuse_entry(u, e, "is no longer kept as it was before");
	return -1;
}

static void file_systems_done(struct file_system *fs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		closep(&fs[i].root_fd);
		closep(&fs[i].kept_fd);
	}
	free(fs);
}

/* The directory of a transaction is renamed when all of it is done. */
static struct timespec find_last(int base_fd)
{
	_cleanup_name_list_ struct name_list kept = { 0 };
	struct timespec last = { 0 };

	if (name_list_read(base_fd, NAME_KEPT, &kept) < 0)
		return last;
	for (size_t i = 0; i < kept.n; i++) {
		char name[NAME_SIZE];
		struct stat st;

		if (fstatat(base_fd, name_of(name, NAME_KEPT, kept.numbers[i]), &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_later(&st.st_ctim, &last))
			last = st.st_ctim;
	}
	return last;
}

static int open_file_system(const struct undo *u, size_t i, struct file_system *ret)
{
	const char *dir = i == 0 ? WINDOW_ROOT_DIR : WINDOW_OTHER_DIR;
	_cleanup_close_ int base_fd = -1;
	char name[NAME_SIZE];

	*ret = (struct file_system){ .root_fd = -1, .kept_fd = -1 };
	ret->root_fd = open_dir_at(u->changes.loaded.root.root_fd, u->record.where[i]);
	base_fd = ret->root_fd < 0 ? ret->root_fd : open_dir_at(ret->root_fd, dir);
	ret->kept_fd = base_fd < 0 ?
			       base_fd :
			       open_dir_at(base_fd, name_of(name, NAME_KEPT, u->record.number));
	if (ret->kept_fd >= 0) {
		ret->last = find_last(base_fd);
		return -1;
	}
	return log_error(ROFS_REFUSED, "what transaction %u replaced on %s is not there: %s",
			 u->record.number, u->record.where[i], strerror(-ret->kept_fd));
}

static int check_entries(const struct undo *u)
{
	const struct record *r = &u->record;
	struct file_system *fs = calloc(r->n_where, sizeof(*fs));
	int status = -1;
	size_t n = 0;

	if (!fs)
		return log_error(ROFS_WRONG, "out of memory");
	while (n < r->n_where && status < 0) {
		status = open_file_system(u, n, &fs[n]);
		n++;
	}
	for (size_t i = 0; i < r->n_entries && status < 0; i++)
		status = check_entry(u, &fs[r->entries[i].fs], &r->entries[i]);
	file_systems_done(fs, n);
	return status;
}

/* The innermost overlay that a path is in. */
static const struct upper_layer *find_layer(const struct changes *c, const char *path)
{
	const struct upper_layer *found = NULL;

	for (size_t i = 0; i < c->loaded.plan.n_overlays; i++)
		if (c->layers[i].path && path_is_at_or_below(path, c->layers[i].path))
			found = &c->layers[i];
	return found;
}

static bool is_shadowed(const struct changes *c, const char *path)
{
	const struct upper_layer *l = find_layer(c, path);
	uint64_t inode;

	return l && inode_at(l->upper_fd, path + strlen(l->path), &inode) >= 0 && inode != 0;
}

static int count_shadowed(struct undo *u)
{
	for (size_t i = 0; i < u->record.n_entries; i++) {
		_cleanup_free_ char *path = NULL;

		if (!record_is_change(&u->record.entries[i]))
			continue;
		if (record_user_path(&u->record, &u->record.entries[i], &path) < 0)
			return log_error(ROFS_WRONG, "out of memory");
		u->n_shadowed += is_shadowed(&u->changes, path);
	}
	return -1;
}

static int refuse_lost(const struct undo *u)
{
	return log_error(ROFS_REFUSED,
			 "transaction %u cannot be undone: the files that it replaced were removed "
			 "when a later transaction began",
			 u->entry->number);
}

/* Half of it would come back at boot. */
static int refuse_incomplete(const struct undo *u)
{
	return log_error(
		ROFS_REFUSED,
		"transaction %u cannot be undone: it was interrupted; reboot to complete it",
		u->entry->number);
}

static int read_note(int dir_fd, char **ret)
{
	_cleanup_free_ char *text = NULL;
	int err = record_text_read(dir_fd, COPIES_NOTE, &text);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	return text_printable(text, ret);
}

static int read_kept(struct undo *u, int base_fd)
{
	char name[NAME_SIZE];
	_cleanup_close_ int fd = open_dir_at(base_fd, name_of(name, NAME_KEPT, u->entry->number));
	int err = fd < 0 ? fd : record_read(fd, &u->record);

	if (err == -ENOENT)
		return refuse_lost(u);
	if (err >= 0 && copies_exist_in(fd))
		return refuse_incomplete(u);
	if (err >= 0)
		err = read_note(fd, &u->not_kept);
	if (err >= 0 && u->record.number != u->entry->number)
		err = -EBADMSG;
	if (err < 0)
		return log_error(ROFS_REFUSED,
				 "transaction %u cannot be undone: /" WINDOW_ROOT_DIR
				 "/%s on the root file system %s%s",
				 u->entry->number, name,
				 err == -EBADMSG ? "is damaged" : "cannot be read: ",
				 err == -EBADMSG ? "" : strerror(-err));
	return -1;
}

int undo_find(struct undo *u)
{
	_cleanup_close_ int base_fd =
		open_dir_at(u->changes.loaded.root.root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);
	int err = base_fd == -ENOENT ? 0 : base_fd, status;

	if (base_fd >= 0)
		err = history_read(base_fd, &u->history);
	if (err < 0)
		return log_error(ROFS_WRONG, "cannot read the log: %s", strerror(-err));
	u->entry = history_last_done(&u->history);
	if (u->history.damaged)
		return log_error(
			ROFS_REFUSED,
			"/" WINDOW_ROOT_DIR "/" NAME_LOG
			" on the root file system is damaged: it is not known what was last");
	if (!u->entry)
		return log_error(ROFS_REFUSED, "there is no transaction to undo; see rofs log");
	status = read_kept(u, base_fd);
	if (status < 0)
		status = check_entries(u);
	return status < 0 ? count_shadowed(u) : status;
}

int undo_check_again(const struct undo *u)
{
	_cleanup_history_ struct history h = { 0 };
	_cleanup_close_ int base_fd =
		open_dir_at(u->changes.loaded.root.root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);
	int err = base_fd < 0 ? base_fd : history_read(base_fd, &h);
	const struct history_entry *last = history_last_done(&h);

	if (err < 0)
		return log_error(ROFS_WRONG, "the history cannot be read: %s", strerror(-err));
	if (!last || last->number != u->record.number)
		return log_error(ROFS_REFUSED,
				 "another transaction came after transaction %u; run rofs undo "
				 "again",
				 u->record.number);
	return check_entries(u);
}
