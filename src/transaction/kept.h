/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "transaction/record.h"

/*
 * What transactions have left on the root file system, read from the read-only layer: for status, diff, log, undo and
 * to find conflicts. It changes nothing, and needs no window.
 */

/** struct kept_path - a path that was changed, and by which record */
struct kept_path {
	char *path; /* first, for path_count_before() */
	const struct record *record;
	const struct record_entry *entry;
	bool is_whole; /* with all that is below it */
	size_t outer;  /* the last of those at or above it that come before it; SIZE_MAX: none */
	const struct record
		*latest; /* that has changed it, or one above it, as a whole; NULL: none */
};

/** struct kept - the transactions of this boot whose old files are still there, oldest first, and more */
struct kept {
	struct record *records; /* kept.N whose boot is this one */
	size_t n;
	struct timespec changed; /* the directory of transactions, that is: any kept.N */
	bool unfinished;	 /* commit/, a pending.N, or a kept.N with copies exists */
	bool maintenance; /* the mark for maintenance exists: the next boot is an ordinary one */
	struct kept_path
		*paths; /* by path; of one path those of attributes first, and then by number */
	size_t n_paths;
};

/**
 * kept_read_records - read them
 * @root_fd: root of the running system
 *
 * A kept.N whose record cannot be read is passed over.
 *
 * Returns: 0 (also: there is nothing) or -errno (-EACCES: the caller is not root).
 */
int kept_read_records(int root_fd, struct kept *ret);

/**
 * kept_read_base - the same inside of a window: the records and paths alone
 * @base_fd: directory of transactions of the root file system
 * @boot:    ID of this boot
 *
 * Returns: 0 or -errno.
 */
int kept_read_base(int base_fd, const char *boot, struct kept *ret);

/**
 * kept_changed - struct kept.changed alone
 *
 * Returns: 1, 0 (there is nothing) or -errno, as kept_read_records().
 */
int kept_changed(int root_fd, struct timespec *ret);

/**
 * kept_measure - the bytes that all kept.N take on flash, of earlier boots too
 *
 * All files are looked at: not for each run of something. As long as kept.changed is the same, so is this.
 *
 * Returns: 0 or -errno.
 */
int kept_measure(int root_fd, uint64_t *ret);

void kept_done(struct kept *k);

/**
 * kept_find - the last transaction of this boot that has changed this path, or something it is in
 * @path: absolute, as users see it: /var/lib/x
 *
 * Attributes of a directory are a change of that only, not of what is in it.
 *
 * Returns: NULL if none has.
 */
const struct record *kept_find(const struct kept *k, const char *path);

/**
 * kept_has_below - is something at or below this path as the last transaction of this boot that has changed
 * it, and which is of this kind, has left it?
 */
bool kept_has_below(const struct kept *k, const char *path, enum transaction_kind kind);

#define _cleanup_kept_ _cleanup_(kept_done)
