/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * facts_read_boot - read which kind of boot this is
 * @ret_cmdline: the kernel command line; the caller frees it, and @ret points into it
 *
 * Reads /proc/cmdline and /etc/initrd-release. A command line that cannot be read is reported and counts as empty. The
 * presence of the file decides whether this is an initrd, as systemd 247 does not tell generators.
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_boot(const struct rootfs *r, struct diag *d, char **ret_cmdline, struct boot *ret);

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
 * facts_read_fstab - read fstab, on which it depends what else is read
 * @d: receives what cannot be read of it
 * @f: gets the lines; all-zero before. An fstab that cannot be read counts as empty.
 * @m: gets the mount points; all-zero before
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_fstab(const struct rootfs *r, struct diag *d, struct facts *f,
		     struct mount_points *m);

/**
 * facts_read_source - look up the path that an entry is of
 * @m: where links are not followed any further
 * @e: of the source of a bind or an image, the links are resolved; spec_is_file is set
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_source(const struct rootfs *r, const struct mount_points *m, struct fstab_entry *e);

/**
 * facts_read_cmdline - what the kernel command line says of the root file system
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_cmdline(const char *cmdline, struct facts *f);

/**
 * facts_read - read what else the plan needs to know of the system
 * @m:    of facts_read_fstab()
 * @conf: whose paths are looked up
 * @d:    receives what could not be read
 * @f:    of facts_read_fstab(); the caller frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read(const struct rootfs *r, const struct mount_points *m, const struct conf *conf,
	       struct diag *d, struct facts *f);
