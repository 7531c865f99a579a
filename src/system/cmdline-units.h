/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/facts.h"

/**
 * cmdline_units_read - which units the kernel command line masks, and which it pulls in
 * @f: gets systemd.mask= and systemd.wants=; systemd-debug-generator(8). The entries of fstab whose units
 *     are masked are overridden.
 *
 * Returns: 0 or -ENOMEM.
 */
int cmdline_units_read(const char *cmdline, struct facts *f);
