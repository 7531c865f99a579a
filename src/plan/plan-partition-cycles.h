/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_partition_cycles - refuse partitions that wait for each other
 *
 * systemd would break the cycle by dropping any of its jobs. The partition that completes a cycle is
 * refused instead.
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_partition_cycles(struct building *b);
