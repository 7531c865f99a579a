/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/place.h"
#include "transaction/record.h"

/*
 * What a record says, done: for the first time, or again after a power cut. Each path is switched by one
 * call, and by its inode number it can be told whether that is done.
 */

/** struct place_list - one place for each of record.where; borrowed */
struct place_list {
	struct place *places;
	size_t n;
};

/**
 * switch_all - do what is not done yet, on the file systems that are here (root_fd >= 0)
 * @r: its entries are in the order of switch_sort()
 *
 * Names first; then what would change by that again: attributes and times of directories, the deepest first, and
 * flags.
 *
 * Returns: 1 when a path was switched, 0 when all were before, -EUCLEAN when what is at a path or in a slot is not
 * what the record says, or another -errno. It may be called again.
 */
int switch_all(struct place_list places, const struct record *r);

/**
 * switch_sort - put entries into the order in which they are done
 *
 * The files of one directory right after each other: a program may need several libraries of it.
 */
void switch_sort(struct record *r);

/** switch_exchange - exchange two files, or move the first one to where nothing is. Returns: 0 or -errno. */
int switch_exchange(int from_fd, const char *from, int to_fd, const char *to, bool exists);

/**
 * switch_back - undo what switch_all() has done of a transaction that is not kept yet
 *
 * For where it cannot be completed: a part of it is not kept either. All file systems must be here. Where somebody
 * else has put another file meanwhile, as in a recovery boot, that is left.
 *
 * Returns: 0, all is as before it; or as switch_all().
 */
int switch_back(struct place_list places, const struct record *r);

/** switch_each - call @each for the entries whose file system is here. Returns: the "or" of what it returns, or -errno. */
int switch_each(struct place_list places, const struct record *r,
		int (*each)(struct place *place, const struct record_entry *e));
