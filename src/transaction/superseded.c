/* SPDX-License-Identifier: MIT */
#include "transaction/superseded.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/macro.h"
#include "basic/path.h"
#include "basic/text.h"
#include "transaction/clean.h"
#include "transaction/held.h"
#include "transaction/kept.h"
#include "transaction/names.h"

struct removing {
	struct place_list places;
	const struct record *now;
	struct kept kept;
	bool *needed;  /* for each record: it stays */
	unsigned last; /* that a rofs undo would put back; 0: none */
	struct held held;
	bool has_held;
};

static bool is_undone(const struct kept *k, unsigned number)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->records[i].undoes == number)
			return true;
	return false;
}

static unsigned find_last(const struct kept *k)
{
	for (size_t i = k->n; i > 0; i--) {
		const struct record *r = &k->records[i - 1];

		if (r->kind != TRANSACTION_UNDO && !is_undone(k, r->number))
			return r->number;
	}
	return 0;
}

/* The file system @fs of an earlier record, in this window. NULL: it is not here. */
static const struct place *find_place(const struct removing *m, const struct record *r, size_t fs)
{
	for (size_t i = 0; i < m->now->n_where && i < m->places.n; i++)
		if (strcmp(m->now->where[i], r->where[fs]) == 0)
			return &m->places.places[i];
	return NULL;
}

/* Returns: a descriptor of the directory that the slot is in, or -errno. */
static int open_slot(const struct removing *m, const struct record *r, const struct record_entry *e,
		     char **ret_path, const char **ret_name)
{
	const struct place *p = find_place(m, r, e->fs);
	const char *slot = place_slot_name(e->slot);
	int err;

	if (!p || !slot)
		return -ENXIO;
	err = text_format(ret_path, NAME_KEPT ".%u/%s", r->number, slot);
	return err < 0 ? err : open_parent_beneath(p->base_fd, *ret_path, ret_name);
}

/* Something is in it, or that cannot be told. */
static bool holds(const struct removing *m, const struct kept_path *p)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int dir = -1;
	const char *name;
	struct place_file f;

	if (!record_old_inode(p->entry))
		return false;
	dir = open_slot(m, p->record, p->entry, &path, &name);
	return dir < 0 || place_look(dir, name, &f) < 0 || f.exists;
}

/* The processes are looked at once, and only if something else than regular files was replaced. */
static bool is_in_use(struct removing *m, int dir_fd, const char *name)
{
	if (!m->has_held && held_read(&m->held) < 0)
		return true;
	m->has_held = true;
	return held_is_in_use(&m->held, dir_fd, name);
}

/* Renamed first: after a power cut, what is left of a directory is no old version that could be put back. */
static void remove_tree(struct removing *m, const struct record *r, const struct record_entry *e,
			int dir, const char *name)
{
	const int base_fd = find_place(m, r, e->fs)->base_fd;
	char trash[NAME_SIZE];

	if (is_in_use(m, dir, name))
		return;
	if (renameat(dir, name, base_fd, name_of(trash, NAME_TRASH, r->number)) >= 0)
		(void)clean_remove(base_fd, trash);
}

static void remove_old(struct removing *m, const struct record *r, const struct record_entry *e)
{
	_cleanup_free_ char *path = NULL;
	const char *name;
	_cleanup_close_ int dir = open_slot(m, r, e, &path, &name);
	struct place_file f;

	if (dir < 0 || place_look(dir, name, &f) < 0 || f.inode != record_old_inode(e))
		return;
	if (!S_ISLNK(f.mode) && !S_ISREG(f.mode))
		remove_tree(m, r, e, dir, name);
	else if (S_ISLNK(f.mode) || !held_is_file_in_use(dir, name))
		(void)unlinkat(dir, name, 0);
}

/* What had changed the paths above this one as a whole, when @p has changed it. */
static const struct record *find_above(const struct kept *k, const struct kept_path *p)
{
	const struct record *found = p->outer == SIZE_MAX ? NULL : k->paths[p->outer].latest;

	if (!found || found->number < p->record->number)
		return found;
	found = NULL;
	for (size_t i = p->outer; i != SIZE_MAX; i = k->paths[i].outer) {
		const struct kept_path *q = &k->paths[i];

		if (q->is_whole && q->record->number < p->record->number &&
		    (!found || q->record->number > found->number))
			found = q->record;
	}
	return found;
}

/* The number of the commit that has made what @p has replaced; 0: it was no commit. @before: of the same path. */
static unsigned find_maker(const struct kept *k, const struct kept_path *p,
			   const struct kept_path *before)
{
	const struct record *above = find_above(k, p);

	if (!before || (above && above->number > before->record->number))
		return above && above->kind == TRANSACTION_COMMIT ? above->number : 0;
	return before->record->kind == TRANSACTION_COMMIT &&
			       before->entry->operation == RECORD_NEW &&
			       before->entry->inode == record_old_inode(p->entry) ?
		       before->record->number :
		       0;
}

/* If it was a directory: is what was in it, when @p has replaced it, of commits as well? */
static bool is_of_commits(const struct removing *m, const struct kept_path *p, unsigned maker)
{
	const struct kept_path *end = m->kept.paths + m->kept.n_paths;

	for (const struct kept_path *q = p + 1; q < end && path_is_at_or_below(q->path, p->path);
	     q++)
		if (q->record->kind != TRANSACTION_COMMIT && q->record->number > maker &&
		    q->record->number < p->record->number)
			return false;
	return true;
}

static void remove_if_of_commits(struct removing *m, const struct kept_path *p,
				 const struct kept_path *before)
{
	unsigned maker = find_maker(&m->kept, p, before);

	if (maker > 0 && is_of_commits(m, p, maker))
		remove_old(m, p->record, p->entry);
}

static bool is_removable(const struct removing *m, const struct record *r)
{
	return r->kind == TRANSACTION_COMMIT && r->number != m->last;
}

static unsigned find_latest(const struct kept_path *paths, size_t n)
{
	unsigned latest = 0;

	for (size_t i = 0; i < n; i++)
		if (paths[i].record->number > latest)
			latest = paths[i].record->number;
	return latest;
}

/* Entries of one path, those of attributes first. */
static void look_at_path(struct removing *m, const struct kept_path *paths, size_t n)
{
	const unsigned latest = find_latest(paths, n);
	bool next_held = true; /* the last one is always needed */

	for (size_t i = 0; i < n; i++) {
		const struct kept_path *before = i > 0 && paths[i - 1].is_whole ? &paths[i - 1] :
										  NULL;

		if (paths[i].is_whole && is_removable(m, paths[i].record))
			remove_if_of_commits(m, &paths[i], before);
	}
	/* The record tells what has made the file that the next one has replaced: until that is removed, it is needed. */
	for (size_t i = n; i > 0; i--) {
		const struct kept_path *p = &paths[i - 1];
		bool held = p->is_whole && holds(m, p);

		if (p->is_whole ? held || next_held : p->record->number == latest)
			m->needed[p->record - m->kept.records] = true;
		next_held = held;
	}
}

static void look_at_paths(struct removing *m)
{
	const struct kept *k = &m->kept;
	size_t n;

	for (size_t i = 0; i < k->n_paths; i += n) {
		n = 1;
		while (i + n < k->n_paths && strcmp(k->paths[i].path, k->paths[i + n].path) == 0)
			n++;
		look_at_path(m, &k->paths[i], n);
	}
}

/* Nobody puts an old history back. */
static void remove_old_history(struct removing *m, const struct record *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (r->entries[i].operation == RECORD_LOG)
			remove_old(m, r, &r->entries[i]);
}

/* The root file system first: what it no longer has, clean() removes from the others. */
static void remove_kept(const struct removing *m, const struct record *r)
{
	for (size_t i = 0; i < r->n_where; i++)
		if (!find_place(m, r, i))
			return;
	for (size_t i = 0; i < r->n_where; i++)
		if (clean_kept(find_place(m, r, i)->base_fd, r->number) < 0)
			return;
}

static void remove_all(struct removing *m)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;

	/* Who opens a file while there is a lease on it has the kernel send a signal. */
	sigaction(SIGIO, &ignore, &before);
	look_at_paths(m);
	for (size_t i = 0; i < m->kept.n; i++) {
		const struct record *r = &m->kept.records[i];

		if (!is_removable(m, r))
			continue;
		if (m->needed[i])
			remove_old_history(m, r);
		else
			remove_kept(m, r);
	}
	sigaction(SIGIO, &before, NULL);
}

int superseded_remove(struct place_list places, const struct record *now)
{
	struct removing m = { .places = places, .now = now };
	int err = kept_read_base(places.places[0].base_fd, now->boot, &m.kept);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	m.last = find_last(&m.kept);
	m.needed = calloc(m.kept.n + 1, sizeof(*m.needed));
	if (m.needed)
		remove_all(&m);
	err = m.needed ? 0 : -ENOMEM;
	free(m.needed);
	held_done(&m.held);
	kept_done(&m.kept);
	return err;
}
