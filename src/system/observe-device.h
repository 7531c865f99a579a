/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "verdict/observed.h"

/* The block devices of the running system: of what is mounted, and those that are declared. */

/** observe_number - of the block device at @path, which may be a link; false: there is none */
bool observe_number(const char *path, unsigned *ret_major, unsigned *ret_minor);

/** observe_devices_of_mounts - fill in the devices of file systems that have a number of their own */
void observe_devices_of_mounts(struct observed *s);

/**
 * observe_declared_devices - look up what Device= and fstab name, by the links in /dev/disk
 *
 * A device that carries the declared label or UUID, and is mounted, is the declared one also where
 * the link leads to another device that carries it too, or does not exist. Only root can tell.
 *
 * Returns: 0 or -ENOMEM.
 */
int observe_declared_devices(struct observed *s, const struct plan *p);
