/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/plan.h"

/*
 * The guard is what the path of a persist shows until its partition is mounted there.
 */

/**
 * guard_overlay - put up the guards of all persists whose path is in an overlay
 * @where: where the overlay is mounted, and from where it is then bound to its path. Nobody else is
 *         there. A path that is mounted already gets its guard by mounts_guard().
 * @failed: of each persist of the plan, whether its guard has failed; NULL: not needed
 *
 * Returns: 0, or -errno after logging it.
 */
int guard_overlay(const struct plan *plan, const struct plan_overlay *o, const char *where,
		  bool *failed);

/**
 * mounts_guard - mount an empty read-only file system on the path of a persist
 *
 * The mount point is made if it does not exist and can be made. A path on which something is mounted
 * is left alone: that is the data, or the guard. A single file, which is in an overlay, is made
 * immutable instead.
 *
 * @is_told: a failure has been logged, by guard_overlay(), and one line is enough
 *
 * Returns: 0, or -errno after logging it.
 */
int mounts_guard(const struct plan_persist *p, bool is_told);

/**
 * mounts_guard_twice - mount a second guard on the first, which is on top of the path
 *
 * For the time in which an umount(8) of systemd may come late for what is not there any more: it takes
 * what is on top. A single file has no second guard.
 *
 * Returns: 0, or -errno after logging it.
 */
int mounts_guard_twice(const struct plan_persist *p);

/**
 * mounts_unguard - make a single file mutable again, on which its persist is mounted next
 *
 * Leaves a directory alone, whose guard stays under the data. A failure is logged.
 */
void mounts_unguard(const struct plan_persist *p);
