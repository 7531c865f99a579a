/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * mounts_pools - mount the RAM pools, /rofs/ro and /tmp, as far as plan.early_mounts says so
 * mounts_merged - mount one overlay
 * mounts_overlay - the same, and bind it into place
 *
 * What systemd's units would do one after the other in a process each, with the same options. A
 * mount point on which something is mounted already is left alone. A failure is told and left to
 * the unit, which tries again and shows what came of it.
 *
 * The last two return 0 or -errno, having logged it, with the reason where mount(8) could only say
 * "wrong fs type, bad option"; but not of -ENODEV: this kernel has no overlayfs. Then
 * mounts_overlay() has bound the path on itself, read-only.
 */
void mounts_pools(const struct plan *p);
int mounts_merged(const struct plan *p, const struct plan_overlay *o);
int mounts_overlay(const struct plan *p, const struct plan_overlay *o);

/**
 * mounts_fallback - mount and bind what stands on the path of an overlay on a partition
 *
 * The merged mount when it is there. Else, with IfMissing=volatile, the same overlay with its
 * changes in the shared pool; or the lower, read-only.
 *
 * Returns: 0, also when the lower stands there as this kernel has no overlayfs; or -errno. Having
 * logged it in both cases.
 */
int mounts_fallback(int root_fd, const struct plan *p, const struct plan_overlay *o);

/**
 * mounts_guard - put an empty read-only file system on the path of a persist
 *
 * A single file, which is in an overlay, is made immutable instead. The mount point is made where it is missing and can be made. A path on which something is mounted
 * already is left alone: it has the data, or its guard.
 *
 * Returns: 0 or -errno, having logged it.
 */
int mounts_guard(const struct plan_persist *p);

/**
 * mounts_unguard - let go of a single file on which its persist is mounted next
 *
 * Does nothing to a directory, whose guard stays beneath the data. Complains when it fails.
 */
void mounts_unguard(const struct plan_persist *p);
