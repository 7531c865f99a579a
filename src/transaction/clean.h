/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/switch.h"

/* What earlier transactions have left in the directories of transactions. */

/** struct clean_about - what may go */
struct clean_about {
	const char *boot; /* ID of this boot */
	unsigned spare;	  /* kept.N that is needed whatever boot it is of; 0: none */
};

/**
 * clean - remove what is no longer needed
 * @places:      the first one is the root; base_fd of each is open
 * @ret_highest: the highest number of a transaction that is or was there
 * @ret_why:     a sentence, with -EPERM
 *
 * kept.N of earlier boots (what they hold is in use by nobody), unless a transaction of this boot has put it back, or
 * copies.h needs it; what a run that died has staged. Directories are renamed before they are removed: what has the name of a
 * transaction is complete.
 *
 * Returns: 0, -EPERM with @ret_why when a transaction has yet to be finished, or another -errno.
 */
int clean(struct place_list places, const struct clean_about *about, unsigned *ret_highest,
	  char **ret_why);

/**
 * clean_check - is there a transaction that has yet to be finished?
 * @base_fd: directory of transactions of the root file system
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int clean_check(int base_fd, char **ret_why);

/** clean_kept - remove kept.N of one file system, as a whole even after a power cut. Returns: 0 or -errno. */
int clean_kept(int base_fd, unsigned number);

/** clean_remove - remove a tree, immutable and append-only files included. Returns: 0 or -errno. */
int clean_remove(int dir_fd, const char *name);
