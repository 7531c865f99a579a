/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/target.h"

/**
 * holder_find - a process that keeps a file system from becoming read-only
 * @ret: "NAME (PID 12) can write to /var/lib/x", "... still uses /var/lib/x (deleted)"; NULL if
 *       none is found; the caller frees it
 *
 * For a message: what is only mapped, or looked up by an overlay, is not found.
 *
 * Returns: 0 or -ENOMEM.
 */
int holder_find(const struct target *t, char **ret);
