/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/*
 * File systems that overlayfs refuses: vfat, on which firmware looks for boot loaders. The command works on
 * a copy, and transaction/copies.h brings what differs in the end.
 */

/* Beside upper and work in the directory of a copy: the empty lower layer of its overlay. */
#define COPIED_LOWER "lower"

/**
 * copied_finish - complete what an earlier transaction has not, before a new one begins
 * @c:       the window is open
 * @ret_why: a sentence, with -EPERM
 *
 * Returns: 0 or -errno.
 */
int copied_finish(const struct chroot *c, char **ret_why);

/**
 * copied_make - make the copies, in the staging directory of the root file system
 * @c:       the window and the stage are open
 * @ret_why: a sentence, with -EPERM and -ENOSPC
 *
 * Returns: 0 or -errno.
 */
int copied_make(struct chroot *c, char **ret_why);

/** copied_read - compare a copy with its original; sets @s->delta. Returns: 0 or -errno. */
int copied_read(struct chroot_system *s);

/**
 * copied_write - write what differs beside the old files, and reduce the copies to that
 * @ret_why: a sentence that names what the file system does not take, with -EPERM
 *
 * Returns: 0 or -errno; copied_forget() removes what was written.
 */
int copied_write(struct chroot *c, char **ret_why);

/**
 * copied_switch - after the switch of the others: rename it into place, and remove the copies
 *
 * A failure is told. The next boot writes what is missing, for which the copies stay.
 *
 * Returns: 0 or -errno.
 */
int copied_switch(struct chroot *c);

/** copied_forget - remove what copied_write() has written */
void copied_forget(const struct chroot *c);

/** copied_close - close what would keep the root file system from becoming read-only */
void copied_close(struct chroot *c);
