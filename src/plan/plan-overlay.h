/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_overlays - the step that plans all [Overlay] sections; after plan_partitions() */
int plan_overlays(struct building *b);
