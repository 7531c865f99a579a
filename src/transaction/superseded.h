/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/switch.h"

/*
 * Old versions of what commits of this boot have written, and later commits replaced: without this, a log that
 * is committed every hour would fill the flash, one version an hour, until the machine reboots.
 *
 * What was replaced is kept until the next boot because the running system may hold it: a file without a name that
 * somebody holds keeps the file system from becoming read-only. That is true of what was on flash at boot, and of what
 * a chroot or an undo has put there. It is not true of what a commit writes: the file in the upper from which it was
 * copied hides it, and so does whatever takes the place of that, a whiteout or the copy that a revert makes. The same is
 * true of a directory, with what only commits have put into it. They are held only by who opens them below /rofs/ro,
 * and that is found out. What is not found out is an O_PATH descriptor of a file there, or who watches it, has mounted
 * it elsewhere or holds its copy in an outer overlay that is mounted a second time, without the inner one on it: the
 * window then cannot close until that ends.
 *
 * The last transaction stays whole, to be undone.
 */

/**
 * superseded_remove - remove them, and each kept.N in which nothing is left and which no longer tells anything
 * @places: of the transaction that begins; base_fd of each is open
 * @now:    its record, of which only the boot and the file systems are read
 *
 * What cannot be removed stays, and is tried again by the next transaction. After a power cut, any of them may be gone,
 * but no part of a directory: files and directories first, then the kept.N as a whole.
 *
 * Returns: 0 or -ENOMEM.
 */
int superseded_remove(struct place_list places, const struct record *now);
