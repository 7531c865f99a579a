/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * struct mount_points - where fstab mounts file systems, now or later
 *
 * When the generator first runs, these are empty directories. So that each later run gives the same
 * plan, no run looks below them.
 */
struct mount_points {
	struct path_set all;
	struct path_set late; /* without those that the initramfs has mounted, such as /usr */
};

void mount_points_done(struct mount_points *m);

/** mount_points_add - where @e is mounted, unless that is / or no path. Returns: 0 or -ENOMEM. */
int mount_points_add(struct mount_points *m, const struct fstab_entry *e);

/**
 * fstab_read - read fstab, on which it depends what else is read
 * @cmdline: with fstab=no, only what the initramfs mounts is read
 * @d: receives what cannot be read of it
 * @f: gets the lines; all-zero before. An fstab that cannot be read counts as empty.
 * @m: gets the mount points; all-zero before
 *
 * Returns: 0 or -ENOMEM.
 */
int fstab_read(const struct rootfs *r, const char *cmdline, struct diag *d, struct facts *f,
	       struct mount_points *m);

/**
 * fstab_read_source - look up the path that an entry is of
 * @m: where links are not followed any further
 * @e: of the source of a bind or an image, the links are resolved; spec_is_file is set
 *
 * Returns: 0 or -ENOMEM.
 */
int fstab_read_source(const struct rootfs *r, const struct mount_points *m, struct fstab_entry *e);
