/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/suggest/machine.h"
#include "rofs/suggest/suggestion.h"

/**
 * decide - what rofs.conf should say on a machine
 * @ret: suggestion_done() frees it, also after a failure
 *
 * Pure: it looks at nothing but @m.
 *
 * Returns: 0 or -ENOMEM.
 */
int decide(const struct machine *m, struct suggestion *ret);
