/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * detach_dead - unmount what is mounted from partitions whose devices are gone
 *
 * systemd unmounts them as well, but with umount(8), which fails while a file is open, and with jobs.
 * Starting any service cancels these, because it pulls in local-fs.target and so the mounts. A dead file
 * system that stays mounted is not replaced when the device returns. systemd does not unmount an overlay
 * with its changes there at all. Therefore this unmounts lazily and at once. The guards are visible again,
 * those of single files too. A device that exists stays mounted, and so does an overlay above such a mount.
 *
 * Returns: 0, or -errno after logging it.
 */
int detach_dead(const struct plan *p);
