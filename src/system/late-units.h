/* SPDX-License-Identifier: MIT */
#pragma once

#include "conf/conf.h"
#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * late_units_read - find out which units start after local-fs.target, or before local-fs-pre.target
 * @f: after facts_read()
 *
 * Only units that a [Partition] or a line of fstab names. What is not in the image is not known: a
 * generator makes it, and those of systemd know what is early.
 *
 * Returns: 0 or -ENOMEM.
 */
int late_units_read(const struct rootfs *r, const struct conf *c, struct facts *f);
