/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "verdict/observed.h"

/**
 * observe - look at the mounts, the swap and the pools of a running system
 * @dir: "/", or a tree with proc/self/mountinfo and proc/swaps; pools are looked at below "/" only
 * @p:   whose storages are looked at
 * @ret: set on success; borrows from @p
 *
 * Needs no privileges: what /rofs hides from other users is asked for through the paths that lie on
 * it. What cannot be known stays so.
 *
 * Returns: 0, -ENOMEM, or -errno when the table of mounts cannot be read.
 */
int observe(const char *dir, const struct plan *p, struct observed *ret);
