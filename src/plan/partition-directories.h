/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/claims.h"

/**
 * partition_directories_check - hold against each other what sections keep on partitions
 * @claims: of which those that want a place already taken are refused: two persists of one
 *          directory, two overlays, a persist in the layers of an overlay
 *
 * A persist may lie above other places: Directory=/ shows the whole partition.
 *
 * Returns: 0 (mistakes are in @d) or -ENOMEM.
 */
int partition_directories_check(struct claim *claims, size_t n, struct diag *d);
