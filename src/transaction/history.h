/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "transaction/record.h"

/*
 * What was kept when and by whom: rofs/log on the root file system, one line for each transaction. It is bounded,
 * and outlives kept.N.
 */

#define HISTORY_ENTRIES_MAX 100u
#define HISTORY_BYTES_MAX   ((size_t)64 * 1024)

/** struct history_entry - one transaction */
struct history_entry {
	unsigned number;
	enum transaction_kind kind;
	time_t time;
	uid_t uid;
	char *user;	  /* name of @uid at that time; "": not known */
	char *command;	  /* as typed, or the beginning of it */
	uint64_t bytes;	  /* of content that was written */
	unsigned undone;  /* the number of the transaction that has put it back; 0: none has */
	unsigned undoes;  /* TRANSACTION_UNDO: what it has put back */
	uint64_t n_paths; /* that were changed */
	char **paths;	  /* the first of them, as users see them */
	size_t n_shown;
};

/** struct history - ascending by number */
struct history {
	struct history_entry *entries;
	size_t n;
	bool damaged; /* there is more, which is none of a transaction */
};

void history_done(struct history *h);

/**
 * history_read - read it
 * @base_fd: directory of transactions on the root file system
 *
 * A line that is not one of a transaction is skipped, and left out when the history is written again. No file is an empty history.
 *
 * Returns: 0 or -errno.
 */
int history_read(int base_fd, struct history *ret);

/** history_latest - the number of the last transaction on the running system, 0: there was none. Returns: 0 or -errno. */
int history_latest(int root_fd, unsigned *ret);

/** history_parse - as history_read(), from text that it changes */
int history_parse(char *text, struct history *ret);

/**
 * history_add - add a transaction, and note which one it has put back
 * @user: name of record.uid; may be NULL
 *
 * Returns: 0 or -ENOMEM.
 */
int history_add(struct history *h, const struct record *r, const char *user);

/**
 * history_write - write a new file, which the caller syncs; the oldest entries are left out beyond the limits
 *
 * Returns: 0 or -errno.
 */
int history_write(int dir_fd, const char *name, const struct history *h);

/** history_find - the entry with this number, NULL: there is none */
const struct history_entry *history_find(const struct history *h, unsigned number);

/** history_last_done - the last transaction that is not undone, and no undo itself; NULL: there is none */
const struct history_entry *history_last_done(const struct history *h);

#define _cleanup_history_ _cleanup_(history_done)
