/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * What commit, chroot and undo have left behind, to be compared and shown. src/transaction fills it; for ordinary
 * users, who may not look into /rofs, rofs-verify publishes it as text.
 */

#define TRANSACTION_KIND_BYTES_MAX 16u

/** struct observed_transaction - one of this boot whose old files are still on flash */
struct observed_transaction {
	unsigned number;
	char kind[TRANSACTION_KIND_BYTES_MAX]; /* "commit", "chroot", "undo" */
	bool needs_reboot; /* the running system still has old files, and nothing shadows them */
	time_t time;
	uint64_t bytes; /* of content that it has written */
	uint64_t paths;
};

/** struct transactions - all of them, oldest first; all-zero: nothing is known */
struct transactions {
	bool known;
	bool running;		  /* one is writing now */
	bool has_written;	  /* one has opened a lower for writing in this boot */
	bool unfinished;	  /* a power cut has interrupted one, and it was not finished */
	bool next_is_maintenance; /* the next boot is a maintenance boot */
	uint64_t kept_bytes;	  /* of old files on flash */
	struct timespec
		kept_changed; /* when they changed last; it is all-zero where they were not measured */
	struct observed_transaction *list;
	size_t n;
};

void transactions_done(struct transactions *t);

/** transactions_add - a copy. Returns: 0 or -ENOMEM. */
int transactions_add(struct transactions *t, const struct observed_transaction *one);

/** transactions_pending - the last one that only a reboot completes; NULL: there is none */
const struct observed_transaction *transactions_pending(const struct transactions *t);

/**
 * transactions_format, transactions_parse - as text; whether one is running is not in it
 * @ret: the caller frees it; "" if there is nothing
 * @text: modified; a line that is not understood is passed over
 *
 * Return: 0 or -ENOMEM.
 */
int transactions_format(const struct transactions *t, char **ret);
int transactions_parse(char *text, struct transactions *ret);
