/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"

/*
 * Names in a directory of transactions: "commit", "kept.7".
 *
 *   staging     being filled, on the root file system; nothing of it counts yet
 *   commit      the mark: sealed, and is being switched
 *   pending.N   switched on the root file system after a power cut, but not yet on all others
 *   kept.N      done; holds what was replaced
 *   trash.N     being removed
 *
 * On another file system, staging.N becomes kept.N.
 */
#define NAME_STAGING "staging"
#define NAME_COMMIT  "commit"
#define NAME_PENDING "pending"
#define NAME_KEPT    "kept"
#define NAME_TRASH   "trash"
#define NAME_LOG     "log"
/* In a directory of transactions: templates of attributes that directories had, named by inode numbers. */
#define NAME_OLD "old"
/* Made and removed elsewhere: the next boot is one for maintenance. */
#define NAME_MAINTENANCE "maintenance"

#define NAME_SIZE 24u

#define NUMBER_MAX (UINT_MAX / 2) /* no name with a higher one is known */

/** name_of - "kept.7". Returns: @buffer. */
const char *name_of(char buffer[NAME_SIZE], const char *what, unsigned number);

/** name_number - the number in a name of this kind, 0 if it is none */
unsigned name_number(const char *name, const char *what);

/** struct name_list - the numbers of one kind in a directory, ascending */
struct name_list {
	unsigned *numbers;
	size_t n;
};

/** name_list_read - Returns: 0 or -errno. */
int name_list_read(int base_fd, const char *what, struct name_list *ret);
void name_list_done(struct name_list *l);
bool name_list_has(const struct name_list *l, unsigned number);

#define _cleanup_name_list_ _cleanup_(name_list_done)
