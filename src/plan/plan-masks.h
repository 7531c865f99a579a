/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_masks - the step that masks links of systemd's own generators; after all other steps */
int plan_masks(struct building *b);

/**
 * plan_mask - do not follow the link by which @by pulls in @unit
 * @kind: "wants" or "requires"
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_mask(struct plan *p, const char *by, const char *kind, const char *unit);
