/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "system/rootfs.h"

/*
 * What transactions leave for the next boot: in /rofs on the root file system, where only a boot can see it, since the
 * shared RAM pool covers it later. It is never looked for below /rofs/ro: a mark that is made now is for
 * the next boot.
 */

/* For that boot; rofs-prepare removes it when it has made the other one. */
#define BOOT_MARK_MAINTENANCE "maintenance" /* in /rofs on the root */
/* This boot is one, also after the mark is removed. */
#define BOOT_MARK_IN_RUN "/run/rofs/" BOOT_MARK_MAINTENANCE
/* A transaction whose end a power cut has prevented. */
#define BOOT_MARK_COMMIT "commit" /* in /rofs on the root */
/* The same, finished on the root, but not yet on another file system: its name begins so. */
#define BOOT_MARK_PENDING "pending."
/* The same, on one such as vfat: this directory is in a directory whose name begins so. */
#define BOOT_MARK_KEPT	 "kept."
#define BOOT_MARK_COPIES "copies"

/* What this boot has found, once the RAM pool covers it: a daemon-reload must give the same units. */
#define BOOT_MARK_COMMIT_IN_RUN	 "/run/rofs/commit"
#define BOOT_MARK_PENDING_IN_RUN "/run/rofs/pending"

/** struct boot_marks - what this boot has found; all-zero: nothing */
struct boot_marks {
	bool maintenance; /* this boot is a maintenance boot */
	bool next_is_marked; /* BOOT_MARK_MAINTENANCE is there: after rofs-prepare, it could not be removed */
	bool commit;  /* BOOT_MARK_COMMIT is there, or was there before it was covered */
	bool pending; /* the same, of another file system than the root */
};

/**
 * boot_marks_read - look for them
 * @d: receives a warning about a mark that is ignored
 *
 * A mark counts if it is root's (or of whoever reads a tree): a regular file in /rofs that is on the root file system
 * itself, is no link, and is writable for nobody else.
 */
void boot_marks_read(const struct rootfs *r, struct diag *d, struct boot_marks *ret);

/**
 * boot_marks_remember - keep in /run what boot_marks_read() has found of transactions
 *
 * Returns: 0 or -errno.
 */
int boot_marks_remember(int root_fd, const struct boot_marks *m);

/**
 * boot_marks_open - the directory /rofs of the root file system, if it is as it should be
 *
 * Returns: a descriptor; -ENOENT: nothing that counts can be in it; or another -errno.
 */
int boot_marks_open(const struct rootfs *r);
