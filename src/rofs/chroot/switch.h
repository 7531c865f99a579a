/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/**
 * switch_stage - hand everything that differs over to the transaction
 * @c:       deltas are read and cleaned, layers are brought
 * @ret_why: a sentence, with -EPERM; may be NULL with other errors
 *
 * Returns: 0 or -errno.
 */
int switch_stage(struct chroot *c, char **ret_why);
