/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/place.h"
#include "transaction/record.h"

/** struct pair - the path and the slot of an entry, and what is there. The names are parts of the entry. */
struct pair {
	int path_fd, slot_fd;
	const char *path, *slot;
	struct place_file at_path, in_slot;
};

/** pair_look_at_path, pair_look_at_slot - fill in one half of it. Returns: 0 or -errno. */
int pair_look_at_path(struct place *p, const struct record_entry *e, struct pair *ret);
int pair_look_at_slot(struct place *p, const struct record_entry *e, struct pair *ret);

/**
 * pair_to_path - exchange what is in the slot with what is at the path, or move it there
 * pair_to_slot - the other way round
 * @exists: something is where it goes
 *
 * Flags that forbid it are cleared: of both files, and of the directory that the path is in.
 *
 * Returns: 0 or -errno.
 */
int pair_to_path(const struct pair *p, bool exists);
int pair_to_slot(const struct pair *p, bool exists);

/**
 * pair_restore_time - give a directory that was moved the time that it had
 *
 * Some file systems (f2fs) change it for the name "..".
 *
 * Returns: 0 or -errno.
 */
int pair_restore_time(int dir_fd, const char *name, const struct place_file *f);
