/* SPDX-License-Identifier: MIT */
/* The way back, where a transaction cannot be completed. */
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "transaction/directory.h"
#include "transaction/fixed-flags.h"
#include "transaction/names.h"
#include "transaction/pair.h"
#include "transaction/switch.h"

/* Its directory was removed, or became something else, in a boot without rofs: nothing can be put back there. */
static bool is_without_directory(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -EXDEV;
}

static int new_back(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	/* The old file, or that of another program: nothing of the transaction is there. */
	if (is_without_directory(err) || (err >= 0 && p.at_path.inode != e->inode))
		return 0;
	if (err < 0)
		return err;
	err = pair_look_at_slot(place, e, &p);
	if (err >= 0 && p.in_slot.inode != e->old_inode)
		err = -EUCLEAN;
	if (err >= 0)
		err = pair_to_slot(&p, p.in_slot.exists);
	return err < 0 ? err : pair_restore_time(p.path_fd, p.path, &p.in_slot);
}

static int gone_back(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	if (is_without_directory(err) || (err >= 0 && p.at_path.exists))
		return 0;
	if (err >= 0)
		err = pair_look_at_slot(place, e, &p);
	/* Somebody else has removed it before it was moved away. */
	if (err >= 0 && !p.in_slot.exists)
		return 0;
	if (err >= 0 && p.in_slot.inode != e->inode)
		err = -EUCLEAN;
	if (err >= 0)
		err = pair_to_path(&p, false);
	return err < 0 ? err : pair_restore_time(p.path_fd, p.path, &p.in_slot);
}

static int name_back(struct place *place, const struct record_entry *e)
{
	switch (e->operation) {
	case RECORD_NEW:
	case RECORD_LOG:
		return new_back(place, e);
	case RECORD_GONE:
		return gone_back(place, e);
	case RECORD_ATTRIBUTES:
	case RECORD_TIMES:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

/* From the template that was made of it before. */
static int take_old(struct place *place, const struct record_entry *e, const struct pair *p)
{
	char slot[64];
	const char *name;
	int fd;

	snprintf(slot, sizeof(slot), NAME_STAGING "/" NAME_OLD "/%" PRIu64, e->inode);
	fd = place_slot(place, slot, &name);
	return fd < 0 ? fd : directory_take_attributes(fd, name, p->path_fd, p->path);
}

static int directory_back(struct place *place, const struct record_entry *e)
{
	bool is_times = e->operation == RECORD_TIMES;
	struct pair p;
	int err = pair_look_at_path(place, e, &p);

	if (is_without_directory(err) || (err >= 0 && p.at_path.inode != e->inode))
		return 0;
	if (err >= 0 && p.at_path.flags)
		err = fixed_flags_clear(p.path_fd, p.path);
	if (err >= 0)
		err = is_times ? place_set_mtime(p.path_fd, p.path, &e->mtime) :
				 take_old(place, e, &p);
	return err < 0 ? err :
			 fixed_flags_set(p.path_fd, p.path, is_times ? e->flags : e->old_flags);
}

static int flags_back(struct place *place, const struct record_entry *e)
{
	struct pair p;
	int err;

	if (!e->old_flags)
		return 0;
	err = pair_look_at_path(place, e, &p);
	if (is_without_directory(err))
		return 0;
	if (err >= 0 && p.at_path.inode != (e->operation == RECORD_NEW ? e->old_inode : e->inode))
		return 0;
	return err < 0 ? err : fixed_flags_set(p.path_fd, p.path, e->old_flags);
}

static int rest_back(struct place *place, const struct record_entry *e)
{
	switch (e->operation) {
	case RECORD_ATTRIBUTES:
	case RECORD_TIMES:
		return directory_back(place, e);
	case RECORD_NEW:
	case RECORD_GONE:
		return flags_back(place, e);
	case RECORD_LOG:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

int switch_back(struct place_list places, const struct record *r)
{
	int err = switch_each(places, r, name_back);

	return err < 0 ? err : switch_each(places, r, rest_back);
}
