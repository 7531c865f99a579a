/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan.h"

/**
 * mounts_pools - mount the RAM pools, /rofs/ro and /tmp, as far as plan.one_pass says so
 * mounts_overlay - mount one overlay and bind it into place
 *
 * What systemd's units would do one after the other in a process each, with the same options. A
 * mount point on which something is mounted already is left alone. A failure is told and left to
 * the unit, which tries again and shows what came of it.
 */
void mounts_pools(const struct plan *p);
void mounts_overlay(const struct plan *p, const struct plan_overlay *o);
