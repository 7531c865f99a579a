/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/claims.h"

/**
 * partition_directories_check - hold against each other what sections keep on partitions
 * @claims: refused are those whose directory is that of another section or below it, and persists
 *          without Directory= where another section uses the partition too
 *
 * Returns: 0 (mistakes are in @d) or -ENOMEM.
 */
int partition_directories_check(const struct conf *conf, struct claim *claims, size_t n,
				struct diag *d);
