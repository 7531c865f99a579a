/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * format_partition - make the file system of a partition that holds nothing
 *
 * Nothing: no signature that wipefs(8) knows, also a damaged one, and only zeros, or only the ones
 * of erased flash, in the first and the last MiB.
 *
 * Returns: 0 when it has a signature or a file system was made; -EEXIST when it holds something
 * else; or -errno. Having logged what was made, or why not.
 */
int format_partition(const struct plan_partition *p);
