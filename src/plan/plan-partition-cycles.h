/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_partition_cycles - refuse partitions that wait for each other
 *
 * systemd would drop the job of a mount that nobody has chosen. Of each cycle, the partition that closes
 * it is refused.
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_partition_cycles(struct building *b);
