/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/suggest/machine.h"
#include "system/load.h"

/**
 * gather - look at everything on which a suggestion depends
 * @l:       the system, loaded; borrowed by @ret
 * @running: it is this machine, whose devices count
 * @ret:     machine_done() frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int gather(const struct loaded *l, bool running, struct machine *ret);

/* Parts of it, each in a file. Return 0 or -ENOMEM. */
int gather_devices(const struct loaded *l, struct machine *m);
int gather_services(const struct loaded *l, struct machine *m);
int gather_software(const struct loaded *l, struct machine *m);

/** gather_path - add a path as it is found, links resolved. Returns: 0 or -ENOMEM. */
int gather_path(const struct loaded *l, struct machine *m, const char *path, enum path_use use,
		const char *who, const char *suffix);

/** gather_amounts - look at what is at each path, and measure it. Returns: 0 or -ENOMEM. */
int gather_amounts(const struct loaded *l, struct machine *m);
