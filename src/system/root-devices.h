/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/root-devices.h"

/** root_devices_read - the list in /run, which is empty if there is none. Returns: 0 or -errno. */
int root_devices_read(int root_fd, struct root_devices *ret);

/** root_devices_observe - as root_devices_read(), and whether each can be written now, or all of it is unknown */
int root_devices_observe(int root_fd, struct root_devices *ret);

/** root_devices_write - replace it. Returns: 0 or -errno. */
int root_devices_write(int root_fd, const struct root_devices *l);

/** root_devices_forget - remove it. Returns: 0 or -errno. */
int root_devices_forget(int root_fd);

/**
 * root_devices_apply - make read-only or writable what rofs has made read-only
 *
 * From the device of / down to the disk if @read_only, else the other way round.
 *
 * Returns: 0, or the first -errno; the others are set nevertheless.
 */
int root_devices_apply(int root_fd, const struct root_devices *l, bool read_only);

/**
 * root_devices_set - read the list and apply it
 *
 * Returns: 0 (also without a list), or -errno.
 */
int root_devices_set(int root_fd, bool read_only);

/** root_devices_any_writable - can one be written that rofs has made read-only? Returns: 1, 0 or -errno. */
int root_devices_any_writable(int root_fd);
