/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_native_units - what mount units of the image mean for what is mounted on the same paths now
 *
 * After plan_overlays() and plan_persists().
 *
 * Returns: 0 or -ENOMEM.
 */
int plan_native_units(struct building *b);
