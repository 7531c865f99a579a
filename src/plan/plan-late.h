/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/*
 * Is all that fstab mounts there before local-fs.target, for which all mounts of ours come?
 * Return 0, -ENOMEM, or -EBADMSG with a message.
 */

/** plan_check_lower_early - at the @path of an overlay, or above it */
int plan_check_lower_early(struct building *b, const struct conf_section *s, const char *path);

/**
 * plan_check_lower_not_first - is what fstab mounts on an overlaid path to come before what it waits for?
 *
 * Returns: 0; -EBADMSG after reporting it; or -ENOMEM.
 */
int plan_check_lower_not_first(struct building *b, const struct conf_section *s,
			       const struct fstab_entry *e);

/** plan_check_persist_early - above the @path of a persist, which takes the place of what is on it */
int plan_check_persist_early(struct building *b, const struct conf_section *s, const char *path);

/** plan_check_populate_early - at the @path of a persist from which Populate=yes copies */
int plan_check_populate_early(struct building *b, const struct conf_section *s, const char *path);
