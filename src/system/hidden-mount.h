/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "system/rootfs.h"
#include "verdict/observed.h"

/**
 * hidden_mount_find - does an overlay hide a file system that a unit in /run would mount on its path?
 * @ret: set if it does, its strings then owned by the caller
 *
 * Units of other generators, of portable services and of programs are made in each boot: the generator of
 * rofs, which runs beside the others, cannot know of them. systemd-gpt-auto-generator finds partitions for
 * /home, /srv and /var by their type; that of ZFS mounts what its cache lists. What they make of fstab and of
 * the kernel command line is in the plan already. A file system in RAM has no content that could be hidden.
 *
 * Returns: 1, 0 or -errno.
 */
int hidden_mount_find(const struct rootfs *r, const struct plan_overlay *o,
		      struct observed_hidden *ret);
