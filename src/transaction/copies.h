/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "transaction/window.h"

/*
 * File systems without inodes that could be switched, such as vfat. What is new there is first written beside
 * the old files, which finds out whether it fits, and is renamed into place after the switch of the root. vfat has
 * no journal: a power cut may lose a file that is being renamed, under both of its names. So the directory of the
 * transaction on the root file system holds the new files as well, until all of it is on the medium.
 *
 *   copies/1/list   what is to be done; without it, nothing counts
 *   copies/1/new/   the new files, at their paths
 *
 * What was there before is not kept. A note in the directory of the transaction says so, as "/boot/efi".
 */

/* In the directory of a transaction on the root file system. */
#define COPIES_DIR  "copies"
#define COPIES_NEW  "new" /* in the directory of one file system */
#define COPIES_NOTE "not-kept"

/* On the file system itself, until all of it is there. */
#define COPIES_BESIDE_TOP ".rofs"
#define COPIES_BESIDE	  COPIES_BESIDE_TOP "/staging.new"

/** struct copies_list - what changes on one file system */
struct copies_list {
	char *where; /* where it is mounted */
	struct copies_entry {
		char *path; /* below its root directory, without slash at the beginning */
		bool gone;  /* removed; else what is at this path in COPIES_NEW takes its place */
		bool done;  /* found to be so already */
	} * entries;	    /* in the order in which they are done */
	size_t n;
};

void copies_list_done(struct copies_list *l);
#define _cleanup_copies_list_ _cleanup_(copies_list_done)

/** copies_list_write - write it into the directory of the file system, on the root. Returns: 0 or -errno. */
int copies_list_write(int dir_fd, const struct copies_list *l);

/**
 * copies_list_read - read it
 * @ret: copies_list_done() frees it
 *
 * Returns: 0, -ENOENT, -EBADMSG if it is damaged, or another -errno.
 */
int copies_list_read(int dir_fd, struct copies_list *ret);

/**
 * copies_write - write what is new beside the old files, and sync it
 * @new_fd:    COPIES_NEW
 * @fs_fd:     root directory of the file system
 * @again:     after a power cut: what is there already is marked as done, and needs no room
 * @ret_where: the path that has failed; borrowed
 *
 * Returns: 0 or -errno.
 */
int copies_write(int new_fd, int fs_fd, struct copies_list *l, bool again, const char **ret_where);

/** copies_switch - rename it into place, remove what is gone, and sync. Returns: 0 or -errno. */
int copies_switch(int fs_fd, const struct copies_list *l);

/** copies_forget - remove what copies_write() has written. Returns: 0 or -errno. */
int copies_forget(int fs_fd);

/**
 * copies_finish - complete what earlier transactions have not, on one file system
 * @w:     of the root file system, which has the copies
 * @fs_fd: root directory of the file system
 * @where: where that is mounted
 *
 * Idempotent. What was written for a transaction that does not count is removed.
 *
 * Returns: 1 when something was completed, 0 when there was nothing to do, or -errno.
 */
int copies_finish(const struct window *w, int fs_fd, const char *where);

/** copies_exist - has a transaction yet to be completed on any file system? Not knowing it counts as yes. */
bool copies_exist(int base_fd);

/** copies_exist_in - is it the one of this directory? */
bool copies_exist_in(int dir_fd);

/** copies_differ - do the contents of two files, from where they are read, differ? Returns: 1, 0 or -errno. */
int copies_differ(int a, int b);
