/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan.h"

/**
 * mounts_pools - mount the RAM pools, /rofs/ro and /tmp, as far as plan.one_pass says so
 * mounts_overlay - mount one overlay and bind it into place
 *
 * What systemd's units would do one after the other in a process each, with the same options. A
 * mount point on which something is mounted already is left alone. A failure is told and left to
 * the unit, which tries again and shows what came of it.
 *
 * mounts_overlay() returns 0 or -errno, having complained; but it does not complain of -ENODEV:
 * this kernel has no overlayfs, and the path is bound on itself, read-only.
 */
void mounts_pools(const struct plan *p);
int mounts_overlay(const struct plan *p, const struct plan_overlay *o);

/**
 * mounts_try - whether the kernel takes the layers of an overlay that a unit will mount
 *
 * Mounts it where nobody sees it and takes it down again: mount(8), in the unit, can only say
 * "wrong fs type, bad option, ...".
 *
 * Returns: 0 or -errno, having complained.
 */
int mounts_try(const struct plan *p, const struct plan_overlay *o);
