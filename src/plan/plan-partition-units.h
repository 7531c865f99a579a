/* SPDX-License-Identifier: MIT */
#pragma once

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
