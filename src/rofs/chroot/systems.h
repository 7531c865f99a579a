/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/**
 * systems_find - which file systems are part of the untouched system
 * @c:       loaded; systems are set, none of them open, unless they are copied
 * @ret_why: a sentence, with -EPERM
 *
 * The root, what fstab mounts as the lower of an overlay, and /usr, /opt, /boot, /efi and what is below
 * these. Others hold data: the command sees what the root file system has at their paths.
 *
 * Returns: 0, -EPERM with @ret_why (one of them is not mounted), or another -errno.
 */
int systems_find(struct chroot *c, char **ret_why);
void systems_done(struct chroot *c);

/**
 * systems_devices - the devices of the file systems, as programs know them
 * @c: the window is open; device and upper are set in each of its systems
 *
 * The source of the mount, if that is a device; else its name in /sys, if it has one.
 *
 * Returns: 0 or -errno.
 */
int systems_devices(struct chroot *c);
