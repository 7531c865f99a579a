/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * mounts_lower - mount the lower of an overlay, read-only
 *
 * Returns: 0, or -errno after logging it.
 */
int mounts_lower(int root_fd, const struct plan_overlay *o, const char *where);

/**
 * mounts_fallback - mount and bind what the path of an overlay on a partition shows
 *
 * The merged mount, if it exists. Otherwise, with IfMissing=volatile, the same overlay with its
 * changes in the shared pool; or the lower, read-only.
 *
 * Returns: 0, also if it is the lower because the kernel has no overlayfs, which is logged; 1 when
 * the overlay is not all that was declared, or -errno; both after logging it.
 */
int mounts_fallback(int root_fd, const struct plan *p, const struct plan_overlay *o);
