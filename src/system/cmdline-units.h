/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * cmdline_units_read - which units the boot masks, replaces and pulls in, whatever the image says
 * @f: gets systemd.mask= and systemd.wants= of the kernel command line, and the credentials
 *     systemd.extra-unit.NAME; systemd-debug-generator(8). The entries of fstab whose units are masked or
 *     replaced are overridden.
 *
 * Returns: 0 or -ENOMEM.
 */
int cmdline_units_read(const struct rootfs *r, const char *cmdline, struct facts *f);
