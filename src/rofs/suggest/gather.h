/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/suggest/machine.h"
#include "system/load.h"

/**
 * gather - look at what is installed, and how the machine boots
 * @l:   the system, loaded with the rofs.conf that it has
 * @ret: machine_done() frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int gather(const struct loaded *l, struct machine *ret);

/**
 * gather_probe - a rofs.conf that declares all that may be suggested
 *
 * Which mount units are read depends on what is declared.
 *
 * Returns: 0 or -ENOMEM.
 */
int gather_probe(const struct machine *m, char **ret);

/**
 * gather_mounts - look at what is mounted otherwise than by rofs, and at the devices
 * @l:       the system, loaded with gather_probe(); borrowed by @m
 * @running: it is this machine, whose devices count
 *
 * Returns: 0 or -ENOMEM.
 */
int gather_mounts(const struct loaded *l, bool running, struct machine *m);

/* Parts of it, each in a file. Return 0 or -ENOMEM. */
int gather_devices(const struct loaded *l, struct machine *m);
int gather_services(const struct loaded *l, struct machine *m);
int gather_software(const struct loaded *l, struct machine *m);
int gather_mounted(const struct loaded *l, struct machine *m);
int gather_machine_id(const struct loaded *l, struct machine *m);
int gather_host_keys(const struct loaded *l, struct machine *m);

/** gather_exists - is there anything at a path, links resolved? Returns: 1, 0 or -ENOMEM. */
int gather_exists(const struct rootfs *r, const char *path);

/** gather_path - add a path as it is found, links resolved. Returns: 0 or -ENOMEM. */
int gather_path(const struct loaded *l, struct machine *m, const char *path, enum path_use use,
		const char *who, const char *suffix);

/**
 * gather_use_of - what is at a path of which only the place is known
 *
 * Data is there to be kept; settings belong to the image, and logs and caches can be made again.
 */
enum path_use gather_use_of(const char *path);

/** gather_amounts - look at what is at each path, and measure it. Returns: 0 or -ENOMEM. */
int gather_amounts(const struct loaded *l, struct machine *m);
