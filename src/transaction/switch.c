/* SPDX-License-Identifier: MIT */
#include "transaction/switch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "transaction/directory.h"
#include "transaction/fixed-flags.h"
#include "transaction/pair.h"

static bool is_of_names(const struct record_entry *e)
{
	return e->operation != RECORD_ATTRIBUTES && e->operation != RECORD_TIMES;
}

static int compare_names(const struct record_entry *a, const struct record_entry *b)
{
	size_t n = place_dir_length(a->path), m = place_dir_length(b->path);
	int r = strncmp(a->path, b->path, n < m ? n : m);

	if (r != 0)
		return r;
	if (n != m)
		return n < m ? -1 : 1;
	return strcmp(a->path + n, b->path + m);
}

/* Names, then the history, then directories from the deepest up. */
static int compare(const void *left, const void *right)
{
	const struct record_entry *a = left, *b = right;
	int r = (is_of_names(a) ? 0 : 1) - (is_of_names(b) ? 0 : 1);

	if (r == 0)
		r = (a->operation == RECORD_LOG) - (b->operation == RECORD_LOG);
	if (r == 0 && a->fs != b->fs)
		return a->fs < b->fs ? -1 : 1;
	if (r != 0)
		return r;
	return is_of_names(a) ? compare_names(a, b) : strcmp(b->path, a->path);
}

void switch_sort(struct record *r)
{
	if (r->n_entries > 1)
		qsort(r->entries, r->n_entries, sizeof(*r->entries), compare);
}

int switch_exchange(int from_fd, const char *from, int to_fd, const char *to, bool exists)
{
	unsigned how = exists ? RENAME_EXCHANGE : RENAME_NOREPLACE;

	return renameat2(from_fd, from, to_fd, to, how) < 0 ? -errno : 0;
}

static int switch_new(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	if (err < 0)
		return err;
	if (p.at_path.inode == e->inode)
		return 0;
	err = pair_look_at_slot(place, e, &p);
	if (err < 0)
		return err == -ENOENT ? -EUCLEAN : err;
	/* Neither as before the switch nor as after it: the file of another program, which is not moved. */
	if (p.in_slot.inode != e->inode || p.at_path.inode != e->old_inode)
		return -EUCLEAN;

	err = pair_to_path(&p, p.at_path.exists);
	if (err >= 0)
		err = pair_restore_time(p.slot_fd, p.slot, &p.at_path);
	return err < 0 ? err : 1;
}

static int switch_gone(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	if (err < 0)
		return err;
	if (p.at_path.inode != e->inode)
		return 0;
	err = pair_look_at_slot(place, e, &p);
	if (err >= 0)
		err = pair_to_slot(&p, false);
	if (err >= 0)
		err = pair_restore_time(p.slot_fd, p.slot, &p.at_path);
	return err < 0 ? err : 1;
}

static int switch_name(struct place *place, const struct record_entry *e)
{
	int err;

	switch (e->operation) {
	case RECORD_NEW:
		return switch_new(place, e);
	case RECORD_GONE:
		return switch_gone(place, e);
	case RECORD_LOG:
		/* That alone is no reason to reboot. */
		err = switch_new(place, e);
		return err < 0 ? err : 0;
	case RECORD_ATTRIBUTES:
	case RECORD_TIMES:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

static int finish_directory(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	if (err < 0)
		return err;
	if (p.at_path.inode != e->inode)
		return -EUCLEAN;
	if (p.at_path.flags)
		err = fixed_flags_clear(p.path_fd, p.path);
	if (err >= 0 && e->operation == RECORD_ATTRIBUTES)
		err = pair_look_at_slot(place, e, &p);
	if (err >= 0 && e->operation == RECORD_ATTRIBUTES)
		err = directory_take_attributes(p.slot_fd, p.slot, p.path_fd, p.path);
	if (err >= 0)
		err = place_set_mtime(p.path_fd, p.path, &e->mtime);
	return err < 0 ? err : fixed_flags_set(p.path_fd, p.path, e->flags);
}

static int finish_new(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err;

	if (!e->flags && e->mtime.tv_nsec == UTIME_OMIT)
		return 0;
	err = pair_look_at_path(place, e, &p);
	if (err >= 0 && p.at_path.inode != e->inode)
		err = -EUCLEAN;
	if (err >= 0 && p.at_path.flags)
		err = fixed_flags_clear(p.path_fd, p.path);
	if (err >= 0)
		err = place_set_mtime(p.path_fd, p.path, &e->mtime);
	return err < 0 ? err : fixed_flags_set(p.path_fd, p.path, e->flags);
}

static int finish_entry(struct place *place, const struct record_entry *e)
{
	switch (e->operation) {
	case RECORD_ATTRIBUTES:
	case RECORD_TIMES:
		return finish_directory(place, e);
	case RECORD_NEW:
		return finish_new(place, e);
	case RECORD_GONE:
	case RECORD_LOG:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

int switch_each(struct place_list places, const struct record *r,
		int (*each)(struct place *place, const struct record_entry *e))
{
	int changed = 0;

	for (size_t i = 0; i < r->n_entries; i++) {
		const struct record_entry *e = &r->entries[i];
		int err = 0;

		if (e->fs < places.n && places.places[e->fs].root_fd >= 0)
			err = each(&places.places[e->fs], e);
		if (err < 0)
			return err;
		changed |= err;
	}
	return changed;
}

int switch_all(struct place_list places, const struct record *r)
{
	int changed = switch_each(places, r, switch_name), err;

	if (changed < 0)
		return changed;
	err = switch_each(places, r, finish_entry);
	return err < 0 ? err : changed;
}
