/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_root - the step that plans what keeps / read-only, swap and /tmp */
int plan_root(struct building *b);
