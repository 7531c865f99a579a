/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/**
 * layers_make - make the directories for the overlays of the chroot
 * @c:       the window and the stage are open
 * @ret_why: a sentence, with -EPERM
 *
 * In the staging directory of each file system, or on the partition of --on=.
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int layers_make(struct chroot *c, char **ret_why);

/**
 * layers_bring - with --on=: copy the upper layers to the file systems that they are for
 * @ret_why: a sentence, with -EPERM and -ENOSPC
 *
 * Returns: 0 or -errno.
 */
int layers_bring(struct chroot *c, char **ret_why);

/** layers_remove - remove what layers_make() has left on a partition */
void layers_remove(struct chroot *c);
