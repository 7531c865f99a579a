/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * devices_index - sort the declared partitions by their devices
 *
 * Also those whose sections are left out for another reason; not those with a mistake of their own,
 * whose device is not known.
 *
 * Returns: 0 or -ENOMEM.
 */
int devices_index(struct building *b);

/** devices_drop_twice - keep one partition for each device: the one that is planned, if any */
void devices_drop_twice(struct building *b);

/**
 * devices_find - the partition that is declared for the device of a line of fstab
 * @spec: as fstab writes it; by another name than the partition's the device is not seen
 * @ret:  index into plan.partitions, NO_INDEX: none
 *
 * After devices_drop_twice(). Returns: 0 or -ENOMEM.
 */
int devices_find(const struct building *b, const char *spec, size_t *ret);

void devices_done(struct building *b);
