/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/changes/asked-paths.h"

/**
 * asked_paths_check - refuse paths whose changes are not in RAM until the next boot
 *
 * Returns: -1 to go on, else the exit status; reported.
 */
int asked_paths_check(const struct plan *p, const struct asked_paths *paths);
