/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/*
 * Unit names for what a section asks for. One that systemd would not take, or that the kernel command
 * line masks, is a mistake of that section. The caller frees @ret. All return 0, -ENOMEM, or -EBADMSG with a message.
 */

/** plan_name_unit - the unit of a path */
int plan_name_unit(struct building *b, const struct conf_section *s, const char *path,
		   const char *suffix, char **ret);

/** plan_check_unmasked - the same of the units that every section needs */
int plan_check_unmasked(struct building *b, const struct conf_section *s);

/**
 * plan_warn_masked - warn if a unit is masked or replaced at boot that no section needs
 * @lost: what that means
 *
 * Returns: true if it does.
 */
bool plan_warn_masked(struct building *b, const char *unit, const char *lost);

/** plan_name_device - the .device unit of a device path; it can have drop-ins, too */
int plan_name_device(struct building *b, const struct conf_section *s, const char *path,
		     char **ret);

/** plan_name_fsck - the instance of systemd-fsck@.service for a device path; it can have drop-ins */
int plan_name_fsck(struct building *b, const struct conf_section *s, const char *path, char **ret);
