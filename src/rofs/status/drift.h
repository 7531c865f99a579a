/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * struct drift - where the configuration that programs see differs from the one in force
 *
 * NULL: it does not. Both are owned; drift_done() frees them.
 */
struct drift {
	char *file; /* shown in /etc otherwise than on flash: the change is in an overlay */
	char *unit; /* of this boot, which the configuration on flash would make otherwise now */
};

/** drift_find - compare. @ret: set on success only. Returns: 0 or -ENOMEM. */
int drift_find(const struct loaded *l, struct drift *ret);
void drift_done(struct drift *d);

#define _cleanup_drift_ __attribute__((cleanup(drift_done)))
