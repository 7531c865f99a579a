/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/upper.h"

/**
 * opaque_hides - does this opaque directory hide something of the lower one?
 * @e: of a directory that both layers have
 *
 * It does not if the upper has all names that the lower has: what is below them tells for itself.
 *
 * Returns: 1, 0, or -errno.
 */
int opaque_hides(const struct upper_entry *e);
