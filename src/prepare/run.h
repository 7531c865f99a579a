/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/plan.h"
#include "system/load.h"

/**
 * run_prepare - prepare, and mount, all that a run of the plan is for
 * @is_running: the plan is that of the running system; otherwise, nothing is mounted
 *
 * What fails is logged, and the rest goes on. A second run changes nothing.
 *
 * Returns: the exit status.
 */
int run_prepare(const struct loaded *l, const struct plan_run *run, bool is_running);
