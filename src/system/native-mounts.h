/* SPDX-License-Identifier: MIT */
#pragma once

#include "conf/conf.h"
#include "system/fstab-read.h"

/**
 * native_mounts_read - the mount units of the image at declared paths, and above them
 * @f: of fstab_read() and mount_extra_read(); gets an entry for each unit that counts, their drop-ins, and
 *     whether a unit mounts /tmp
 * @m: of fstab_read(); gets their mount points
 *
 * A unit counts, as for systemd, before fstab if it is in /etc, and after it if it is in /usr. It is mounted at
 * boot if another unit pulls it in, or its automount unit, by a link in the image; or if fstab does. Settings
 * such as Requires= of other units are not looked at, and nothing in /run: that is not there yet at boot.
 *
 * Returns: 0 or -ENOMEM.
 */
int native_mounts_read(const struct rootfs *r, const struct conf *conf, struct facts *f,
		       struct mount_points *m);

/**
 * native_mounts_read_all - the same of those at any path
 *
 * Takes longer, and the plan needs none but those that native_mounts_read() finds. @f must not be that of a
 * plan: it grows.
 */
int native_mounts_read_all(const struct rootfs *r, struct facts *f, struct mount_points *m);
