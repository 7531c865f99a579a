/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/dependencies.h"
#include "plan/fstab.h"

/*
 * What is mounted before local-fs.target cannot wait for a unit that starts after it: systemd would see
 * a cycle, and drop a job that nobody has chosen.
 */

/** late_unit_is - does this unit start after local-fs.target, wherever it is defined? */
bool late_unit_is(const char *name);

/** late_unit_of - the first unit to wait for that starts after local-fs.target; NULL: none */
const char *late_unit_of(const struct facts *f, const struct plan_dependencies *d);

/**
 * early_unit_is - does this unit start before every file system of a device, wherever it is defined?
 *
 * A mount that is ordered before it would have to come before what it waits for itself.
 */
bool early_unit_is(const char *name);

/** early_unit_of - the first unit of those to come before that starts early; NULL: none */
const char *early_unit_of(const struct facts *f, const struct plan_dependencies *d);

/** struct late_mount - a mount of fstab that comes after local-fs.target, and why */
struct late_mount {
	const struct fstab_entry *entry; /* NULL: there is none */
	char *unit;			 /* that it waits for; NULL: see needs; owned */
	enum file_system_needs needs;	 /* NEEDS_NOTHING with a unit */
};

/**
 * late_mount_above - is something that fstab mounts at @path or above late?
 *
 * Returns: 0 or -ENOMEM.
 */
int late_mount_above(const struct facts *f, const struct fstab_index *x, const char *path,
		     struct late_mount *ret);
void late_mount_done(struct late_mount *l);

/**
 * early_unit_of_fstab - as early_unit_of(), of a line of fstab
 * @ret: a copy; NULL: none; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int early_unit_of_fstab(const struct facts *f, const struct fstab_entry *e, char **ret);

#define _cleanup_late_mount_ _cleanup_(late_mount_done)
