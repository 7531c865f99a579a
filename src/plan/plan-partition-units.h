/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/building.h"

/**
 * plan_partition_units - the units that a partition waits for: Requires= and After=
 * @ret: all-zero before; the caller frees it, also after a failure
 *
 * Those that wait for the partition in turn are an error. Those that wait for another one are added to
 * @b->waits.
 *
 * Returns: 0, -EBADMSG after an error in @b->diag, or -ENOMEM.
 */
int plan_partition_units(struct building *b, const struct conf_partition *c,
			 struct plan_dependencies *ret);

/**
 * plan_unit_waits_for_partition - does a unit need what is mounted from this partition?
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_unit_waits_for_partition(struct building *b, const char *unit,
				  const struct conf_section *partition, bool *ret);
