/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/rootfs.h"

/**
 * maintenance_end - let this be the only maintenance boot
 *
 * First it makes BOOT_MARK_IN_RUN, so that a daemon-reload in this boot gives the same units. Then it removes the mark
 * for a maintenance boot from the root file system, for good: a crash from here on is followed by an
 * ordinary boot, a crash before by another maintenance boot.
 *
 * Returns: 0, also without such a mark; or, after logging it, -errno.
 */
int maintenance_end(const struct rootfs *r);
