/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_tmp - the step that decides about a tmpfs on /tmp */
int plan_tmp(struct building *b);

/** plan_root - the step that plans what keeps / read-only, and swap */
int plan_root(struct building *b);

/**
 * plan_maintenance - the plan of a maintenance boot: / and /usr writable, and nothing else
 * @f: borrowed by @ret
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_maintenance(const struct facts *f, struct plan *ret);
