/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * gpt_conflict_check - does the overlay hide a partition that systemd would mount on its path?
 *
 * systemd-gpt-auto-generator finds partitions for /home, /srv and /var by their type. The units of
 * an overlay override its units, and if fstab does not list the partition the generator cannot know
 * of it: it may not probe devices.
 *
 * Returns: 0; or, after logging it, -ENOTUNIQ or another -errno.
 */
int gpt_conflict_check(int root_fd, const struct plan_overlay *o);
