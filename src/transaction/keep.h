/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "transaction/switch.h"

/* What was switched and synced becomes kept.N. */

/**
 * keep_all - the same on all file systems
 * @places: of a transaction that is done right now: the directories are staging.N, and commit on the root
 *
 * The root last: while it has commit, a later boot looks after all the others.
 *
 * Returns: 0 or -errno.
 */
int keep_all(struct place_list places, unsigned number);

/** keep - rename a directory of transactions, and sync that. Returns: 0 or -errno. */
int keep(int base_fd, const char *from, const char *to);

/**
 * keep_other - the same on another file system than the root
 * @dir_fd: directory of the transaction on the root, where it is noted
 * @i:      index of the file system in the record
 */
int keep_other(const struct place *p, int dir_fd, size_t i, unsigned number);

/** keep_note - note in the directory of the transaction on the root that a file system is done */
int keep_note(int dir_fd, size_t i);

bool keep_is_noted(int dir_fd, size_t i);

/** keep_note_back - note there that the transaction is put back, on file systems that come later as well */
int keep_note_back(int dir_fd);
bool keep_is_noted_back(int dir_fd);

/** keep_is_done - are all @n file systems noted, but the root, which is the first one? */
bool keep_is_done(int dir_fd, size_t n);
