/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/* In a chroot of `rofs chroot`: made by it, and the way to recognize that one is in it. */
#define CHROOT_RUN_DIR "/run/rofs-chroot"

/**
 * off_check - refuse a command while rofs is off in this boot, and in a chroot of `rofs chroot`
 *
 * That is so as well if rofs.conf is newer than the boot, and /rofs is not mounted. Prints why.
 *
 * Returns: -1 to go on, or the exit status.
 */
int off_check(const struct loaded *l);
