/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "system/unit-dirs.h"

/** struct unit_presence - what there is of some units. All-zero: nothing. */
struct unit_presence {
	bool installed; /* one is there that is not masked */
	bool masked;	/* one is there that is */
	bool enabled;	/* something pulls in one that is installed */
};

/** unit_presence_add - look for one more unit. Returns: 0 or -ENOMEM. */
int unit_presence_add(const struct unit_dirs *dirs, const char *name, struct unit_presence *p);
