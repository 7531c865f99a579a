/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/fstab-read.h"
#include "system/unit-file.h"

/** struct native - what is said of one mount point, by units and by fstab */
struct native {
	const char *dir;
	char *name; /* "home.mount"; owned */
	struct unit_file unit;
	struct unit_names links;     /* that pull it in */
	struct unit_names automount; /* that pull its automount unit in */
	size_t base;  /* index into facts.fstab: the entry for @dir, SIZE_MAX: none */
	bool counts;  /* the unit file, and not what fstab says */
	bool mounted; /* at boot */
};

/**
 * native_counts - is this setting in force?
 *
 * Of what is in the unit file itself, nothing is where fstab has an entry that takes precedence.
 */
bool native_counts(const struct native *n, const struct unit_setting *s);

/** native_setting - the last assignment to a key in [Mount] that is in force, an empty one as well; or NULL */
const struct unit_setting *native_setting(const struct native *n, const char *key);

/**
 * native_is_never_mounted - does ConditionPathExists= name a file that the untouched system lacks?
 *
 * So it is with units that packages ship and enable for the case that somebody makes the file, as
 * var-lib-machines.mount of systemd. Returns: 1, 0 or -ENOMEM.
 */
int native_is_never_mounted(const struct native *n, const struct rootfs *r,
			    const struct mount_points *m);

/**
 * native_entry_read - what systemd mounts, as a line of fstab would say it
 * @m:    where links in the source of a bind are not followed any further
 * @base: the entry of fstab that drop-ins change; NULL: none
 * @e:    all-zero before; its strings are owned by the caller, also after a failure
 *
 * What cannot be said so is in e->refused.
 *
 * Returns: 0 or -ENOMEM.
 */
int native_entry_read(const struct native *n, const struct rootfs *r, const struct mount_points *m,
		      const struct fstab_entry *base, struct fstab_entry *e);
