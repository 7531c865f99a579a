/* SPDX-License-Identifier: MIT */
#include "transaction/pair.h"

#include <sys/stat.h>

#include "transaction/fixed-flags.h"
#include "transaction/switch.h"

int pair_look_at_path(struct place *p, const struct record_entry *e, struct pair *ret)
{
	ret->path_fd = place_path(p, e->path, &ret->path);
	if (ret->path_fd < 0)
		return ret->path_fd;
	return place_look(ret->path_fd, ret->path, &ret->at_path);
}

int pair_look_at_slot(struct place *p, const struct record_entry *e, struct pair *ret)
{
	ret->slot_fd = place_slot(p, e->slot, &ret->slot);
	if (ret->slot_fd < 0)
		return ret->slot_fd;
	return place_look(ret->slot_fd, ret->slot, &ret->in_slot);
}

static int clear_flags(const struct pair *p)
{
	struct place_file dir;
	int err = place_look(p->path_fd, "", &dir);

	if (err >= 0 && dir.flags)
		err = fixed_flags_clear(p->path_fd, "");
	if (err >= 0 && p->at_path.flags)
		err = fixed_flags_clear(p->path_fd, p->path);
	if (err >= 0 && p->in_slot.flags)
		err = fixed_flags_clear(p->slot_fd, p->slot);
	return err;
}

static int to_path(const struct pair *p, bool exists)
{
	return switch_exchange(p->slot_fd, p->slot, p->path_fd, p->path, exists);
}

static int to_slot(const struct pair *p, bool exists)
{
	return switch_exchange(p->path_fd, p->path, p->slot_fd, p->slot, exists);
}

/* Nearly no file has such flags: nothing is looked up for them before. */
static int move(const struct pair *p, bool exists, int (*to)(const struct pair *p, bool exists))
{
	int err = to(p, exists);

	if (err != -EPERM)
		return err;
	err = clear_flags(p);
	return err < 0 ? err : to(p, exists);
}

int pair_to_path(const struct pair *p, bool exists)
{
	return move(p, exists, to_path);
}

int pair_to_slot(const struct pair *p, bool exists)
{
	return move(p, exists, to_slot);
}

int pair_restore_time(int dir_fd, const char *name, const struct place_file *f)
{
	return f->exists && S_ISDIR(f->mode) ? place_set_mtime(dir_fd, name, &f->mtime) : 0;
}
