/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_masks - the step that masks links of systemd's own generators; after all other steps */
int plan_masks(struct building *b);

/**
 * plan_take_name - add a name to plan.masks or plan.swaps, if it is not there yet
 * @name: the list owns it then, and this is NULL
 *
 * Returns: 1 if it is new, 0 if not (two lines of fstab say the same), or -ENOMEM.
 */
int plan_take_name(struct building *b, char **name, char ***list, size_t *n);

/**
 * plan_mask - do not follow the link by which @by pulls in @unit
 * @kind: "wants" or "requires"
 *
 * Returns: 0, 1 or -ENOMEM.
 */
int plan_mask(struct building *b, const char *by, const char *kind, const char *unit);
