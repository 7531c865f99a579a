/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_shadowed - warn of lines of fstab that a persist keeps from being what they say
 *
 * After plan_persists(). Returns: 0 or -ENOMEM.
 */
int plan_shadowed(struct building *b);
