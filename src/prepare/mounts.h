/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "prepare/layer.h"

/*
 * What systemd's mount units would do one after the other, in a process each. A mount point on which
 * something is mounted is left alone. A failure is logged and left to the unit, which tries again;
 * but not that of an overlay that requires a device, since users may be about by then.
 */

/**
 * mounts_pools - mount /rofs/ro, and the RAM pools and /tmp where the plan says so
 *
 * Returns: 0, or -errno after logging what could not be mounted.
 */
int mounts_pools(const struct plan *p);

/**
 * mounts_merged - assemble an overlay from its declared layers
 * @lower_fd: the lower that the layers were prepared for
 *
 * The reason for a failure is logged where mount(8) could only say "wrong fs type, bad option".
 *
 * Returns: 0; -ENODEV if this kernel has no overlayfs, which is not logged; or another -errno.
 */
int mounts_merged(const struct plan *p, const struct plan_overlay *o, int lower_fd);

/**
 * mounts_is_refused - is @err, of a merged mount, the kernel's refusal? It has no overlayfs, or not for
 * these layers.
 */
bool mounts_is_refused(int err);

/** mounts_merged_in - as mounts_merged(), from other layers than the declared ones */
int mounts_merged_in(const struct plan *p, const struct plan_overlay *o, const struct layers *l,
		     int lower_fd);

/**
 * mounts_bind - bind an overlay to its path, if it is assembled
 *
 * Returns: 0, or -errno after logging it.
 */
int mounts_bind(const struct plan *p, const struct plan_overlay *o);
