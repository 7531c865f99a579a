/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/fstab-read.h"

/**
 * mount_extra_read - what the kernel command line mounts in addition to fstab
 * @f: of fstab_read(); gets an entry for each systemd.mount-extra= and systemd.swap-extra=
 * @m: of fstab_read(); gets their mount points
 *
 * systemd-fstab-generator reads them since systemd 254, and lets a line of fstab for the same mount
 * point count, else the first of them. What it would not understand gets a warning.
 *
 * Returns: 0 or -ENOMEM.
 */
int mount_extra_read(const struct rootfs *r, const char *cmdline, struct diag *d, struct facts *f,
		     struct mount_points *m);
