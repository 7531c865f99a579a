/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * volatile_make - make the directory of a persist on the tmpfs on /tmp, with its mode and owner
 *
 * It takes the writes while the partition is missing. One that exists is left alone.
 *
 * Returns: 0, or a negative number after logging why.
 */
int volatile_make(int root_fd, const struct plan *plan, const struct plan_persist *p);
