/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "verdict/observed.h"

/**
 * observe - look at the mounts, the swap and the pools of a running system
 * @dir: "/", or a tree with proc/self/mountinfo and proc/swaps; only with "/" is the usage of pools
 *       known
 * @p:   whose storages are looked at
 * @ret: set on success; borrows from @p
 *
 * Needs no privileges: other users, who may not look into /rofs, see the usage of a pool through the
 * paths that are on it. What they cannot see stays unknown.
 *
 * Returns: 0, -ENOMEM, or -errno if the table of mounts or the swap cannot be read; as root also where
 * that of PID 1 is hidden.
 */
int observe(const char *dir, const struct plan *p, struct observed *ret);
