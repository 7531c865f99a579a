/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/changes/changes.h"

/**
 * changes_flags_differ - has chattr(1) changed this file or directory, which both layers have?
 *
 * What the merged view shows counts, also where copying up has lost a flag: the upper file itself does not have
 * all of them.
 */
bool changes_flags_differ(const struct changes *c, const struct plan_overlay *o,
			  const struct upper_entry *e);
