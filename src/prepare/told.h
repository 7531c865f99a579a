/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/log.h"

/**
 * TOLD - what a function returns in place of -errno when it has logged the reason
 *
 * A failure is one line, the one that explains most. Whoever gets this logs no second one: of two
 * that a unit has logged, rofs status quotes the newer.
 */
#define TOLD (-4096) /* no errno: those end at 4095, MAX_ERRNO of the kernel */

/** tell - log_error(), unless the reason has been logged. Returns: TOLD. */
#define tell(err, ...) ((err) == TOLD ? TOLD : log_error(TOLD, __VA_ARGS__))
