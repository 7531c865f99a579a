/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_fstab_duplicates - the step that finds the lines of fstab for a device of ours */
int plan_fstab_duplicates(struct building *b);
