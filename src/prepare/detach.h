/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * detach_dead - unmount what is mounted from partitions whose devices are gone
 *
 * systemd unmounts it as well, but by umount(8), which fails while a file is open, and by jobs, which
 * the start of any service replaces: that asks for local-fs.target and so for these mounts. A dead file
 * system that stays mounted is not replaced when the device is back. An overlay with its changes there
 * systemd does not unmount at all. So this unmounts lazily, and at once. The guards are seen again, those
 * of single files too. What is on a device that exists stays, and an overlay that it is mounted below.
 *
 * Returns: 0, or -errno after logging it.
 */
int detach_dead(const struct plan *p);
