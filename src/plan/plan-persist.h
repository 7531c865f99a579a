/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_persists - the step that plans all [Persist] sections; after plan_overlays() */
int plan_persists(struct building *b);
