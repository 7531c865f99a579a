/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/rootfs.h"
#include "verdict/transactions.h"

/* Below /run, readable for all users: transactions_format(). */
#define TRANSACTIONS_DIR  "run/rofs-watch"
#define TRANSACTIONS_FILE "transactions"

/**
 * transactions_observe - look at what transactions have left
 * @ret: transactions_done() frees it
 *
 * An ordinary user gets what rofs-verify has published last. The rest stays unknown.
 *
 * Returns: 0, -ENOMEM, or -errno if root cannot read it.
 */
int transactions_observe(const struct rootfs *r, struct transactions *ret);
