/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/**
 * told_conflicts - name the paths that were switched, and that an overlay shadows with a change of its own
 * @number: of the transaction
 */
void told_conflicts(const struct chroot *c, unsigned number);
