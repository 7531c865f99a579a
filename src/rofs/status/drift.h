/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * drift_find - is the configuration that programs see now the one in force?
 * @ret: a sentence for each difference, each ending in a newline; "" for none. The caller frees it.
 *
 * Two things can differ: what /etc shows from what lies on flash (a change in an overlay, lost at
 * power-off), and what lies on flash from the units of this boot (a change that waits for the next
 * one).
 *
 * Returns: 0 or -ENOMEM.
 */
int drift_find(const struct loaded *l, char **ret);
