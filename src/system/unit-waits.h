/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/facts.h"
#include "system/unit-file.h"

/**
 * unit_waits_read - find out for which mounts a unit waits
 * @u: what its files say
 * @f: gets them
 *
 * What it is ordered after, and what the units that it starts and is ordered after are, a few steps far.
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_waits_read(const struct unit_dirs *d, const char *name, const struct unit_file *u,
		    struct facts *f);
