/* SPDX-License-Identifier: MIT */
/* From what was staged to what is kept. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/text.h"
#include "transaction/fixed-flags.h"
#include "transaction/history.h"
#include "transaction/keep.h"
#include "transaction/names.h"
#include "transaction/staging.h"

/* A path by which the history is found from the root directory of the file system. */
#define LOG_PATH WINDOW_ROOT_DIR "/" NAME_LOG

static bool changes_names(const struct record_entry *e)
{
	return e->operation == RECORD_NEW || e->operation == RECORD_GONE;
}

static bool is_in_same_directory(const struct record_entry *a, const struct record_entry *b)
{
	size_t n = place_dir_length(a->path);

	return a->fs == b->fs && n == place_dir_length(b->path) &&
	       strncmp(a->path, b->path, n) == 0;
}

static int compare_paths(const void *left, const void *right)
{
	const struct record_entry *const *a = left, *const *b = right;

	if ((*a)->fs != (*b)->fs)
		return (*a)->fs < (*b)->fs ? -1 : 1;
	return strcmp((*a)->path, (*b)->path);
}

/* Entries for directories whose attributes change, by path. */
struct directories {
	const struct record_entry **list;
	size_t n;
};

static int find_directories(const struct record *r, struct directories *ret)
{
	ret->list = calloc(r->n_entries + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_entries; i++)
		if (r->entries[i].operation == RECORD_ATTRIBUTES)
			ret->list[ret->n++] = &r->entries[i];
	if (ret->n > 1)
		qsort(ret->list, ret->n, sizeof(*ret->list), compare_paths);
	return 0;
}

static bool has_directory(const struct directories *d, uint32_t fs, const char *path)
{
	const struct record_entry key = { .fs = fs, .path = (char *)path }, *pointer = &key;

	return d->n > 0 && bsearch(&pointer, d->list, d->n, sizeof(*d->list), compare_paths);
}

static int add_times(struct stage *s, struct record *times, uint32_t fs, const char *dir)
{
	struct place *p = &s->places[fs];
	struct record_entry *e;
	struct place_file f;
	const char *name;
	int fd = place_path(p, dir, &name), err = fd < 0 ? fd : place_look(fd, name, &f);

	if (err < 0)
		return err;
	err = record_add(times, RECORD_TIMES, fs, "", dir, &e);
	if (err < 0)
		return err;
	e->inode = f.inode;
	e->mtime = f.mtime;
	e->flags = f.flags;
	return 0;
}

/* Of each directory in which names change. The entries are sorted. */
static int find_times(struct stage *s, const struct directories *d, struct record *times)
{
	const struct record *r = &s->record;
	const struct record_entry *last = NULL;

	for (size_t i = 0; i < r->n_entries; i++) {
		const struct record_entry *e = &r->entries[i];
		_cleanup_free_ char *dir = NULL;
		int err;

		if (!changes_names(e) || (last && is_in_same_directory(last, e)))
			continue;
		last = e;
		dir = strndup(e->path, place_dir_length(e->path));
		if (!dir)
			return -ENOMEM;
		err = has_directory(d, e->fs, dir) ? 0 : add_times(s, times, e->fs, dir);
		if (err < 0)
			return err;
	}
	return 0;
}

static int take_entries(struct record *to, struct record *from)
{
	for (; from->n_entries > 0; from->n_entries--) {
		if (array_reserve(to->entries, to->n_entries) < 0)
			return -ENOMEM;
		to->entries[to->n_entries++] = from->entries[from->n_entries - 1];
	}
	return 0;
}

static int keep_times(struct stage *s)
{
	_cleanup_record_ struct record times = { 0 };
	struct directories d = { 0 };
	int err = find_directories(&s->record, &d);

	if (err >= 0)
		err = find_times(s, &d, &times);
	free(d.list);
	return err < 0 ? err : take_entries(&s->record, &times);
}

static bool is_path_twice(const struct record *r)
{
	for (size_t i = 1; i < r->n_entries; i++) {
		const struct record_entry *a = &r->entries[i - 1], *b = &r->entries[i];

		if (a->fs == b->fs && changes_names(a) == changes_names(b) &&
		    strcmp(a->path, b->path) == 0)
			return true;
	}
	return false;
}

/* The history is replaced as any other file is: in the same transaction, and after a power cut too. */
static int stage_log(struct stage *s)
{
	_cleanup_history_ struct history h = { 0 };
	struct place_file new, old;
	struct record_entry *e;
	struct place *p = &s->places[0];
	int err = history_read(p->base_fd, &h);

	if (err >= 0)
		err = history_add(&h, &s->record, s->user);
	if (err >= 0)
		err = history_write(p->dir_fd, NAME_LOG, &h);
	if (err >= 0)
		err = place_look(p->dir_fd, NAME_LOG, &new);
	if (err >= 0)
		err = place_look(p->base_fd, NAME_LOG, &old);
	if (err >= 0)
		err = record_add(&s->record, RECORD_LOG, 0, NAME_STAGING "/" NAME_LOG, LOG_PATH,
				 &e);
	if (err < 0)
		return err;
	e->inode = new.inode;
	e->old_inode = old.inode;
	return 0;
}

static int take_flags(struct stage *s, struct record_entry *e)
{
	struct place *p = &s->places[e->fs];
	struct place_file f = { 0 };
	const char *name;
	int fd = place_slot(p, e->slot, &name), err = fd < 0 ? fd : place_look(fd, name, &f);

	if (err < 0 || !f.flags)
		return err;
	e->flags |= f.flags;
	return fixed_flags_clear(fd, name);
}

static int take_late_flags(struct stage *s)
{
	int err = 0;

	for (size_t i = 0; s->has_late_flags && i < s->record.n_entries && err >= 0; i++)
		if (s->record.entries[i].operation == RECORD_NEW)
			err = take_flags(s, &s->record.entries[i]);
	return err;
}

static int sync_all(const struct stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (syncfs(s->places[i].dir_fd) < 0)
			return -errno;
	return 0;
}

static int seal(struct stage *s)
{
	int err;

	s->record.time = time(NULL);
	switch_sort(&s->record);
	if (is_path_twice(&s->record))
		return -EINVAL;
	err = take_late_flags(s);
	if (err >= 0)
		err = keep_times(s);
	if (err >= 0)
		err = stage_log(s);
	if (err < 0)
		return err;
	switch_sort(&s->record);
	err = record_write(s->places[0].dir_fd, &s->record);
	/* Once: a sync of one file before would put the inodes of all others into the journal, and again. */
	return err < 0 ? err : sync_all(s);
}

/* Nothing is switched: what is staged can be removed. */
static int remove_mark(struct stage *s)
{
	int err = keep(s->places[0].base_fd, NAME_COMMIT, NAME_STAGING);

	if (err >= 0)
		s->marked = false;
	return err;
}

static int set_mark(struct stage *s)
{
	const int base = s->places[0].base_fd;

	if (renameat(base, NAME_STAGING, base, NAME_COMMIT) < 0)
		return -errno;
	s->marked = true;
	/* If that fails, it is not known whether the mark is on the medium. */
	return fsync(base) < 0 ? -errno : 0;
}

static int switch_and_sync(struct stage *s)
{
	int err = switch_all(stage_places(s), &s->record);

	return err < 0 ? err : sync_all(s);
}

static int switch_back_and_sync(struct stage *s)
{
	int err = switch_back(stage_places(s), &s->record);

	if (err >= 0)
		err = sync_all(s);
	return err < 0 ? err : remove_mark(s);
}

static int explain(int err, char **ret_why)
{
	int r = text_format(ret_why,
			    "the transaction was only partly switched (%s); reboot to complete it",
			    strerror(-err));

	return r < 0 ? r : -EUCLEAN;
}

static int explain_kept(int err, char **ret_why)
{
	int r = text_format(
		ret_why,
		"all is written, but the transaction could not be ended (%s); a reboot ends it",
		strerror(-err));

	return r < 0 ? r : -EUCLEAN;
}

/* Nothing is switched: for the caller, -EUCLEAN has another meaning. */
static int explain_back(int err, char **ret_why)
{
	if (err != -EUCLEAN)
		return err;
	err = text_format(ret_why, "something else has changed the same files on flash meanwhile");
	return err < 0 ? err : -EPERM;
}

static int give_up(struct stage *s, int err, char **ret_why)
{
	if (switch_back_and_sync(s) < 0)
		return explain(err, ret_why);
	return explain_back(err, ret_why);
}

int stage_switch(struct stage *s, char **ret_why)
{
	int err = seal(s);

	*ret_why = NULL;
	if (err < 0)
		return err;
	err = set_mark(s);
	if (err < 0 && !s->marked)
		return err;
	if (err >= 0)
		err = switch_and_sync(s);
	if (err < 0)
		return give_up(s, err, ret_why);
	err = keep_all(stage_places(s), s->record.number);
	return err < 0 ? explain_kept(err, ret_why) : 0;
}
