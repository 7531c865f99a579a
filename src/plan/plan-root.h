/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_tmp - the step that decides about a tmpfs on /tmp */
int plan_tmp(struct building *b);

/** plan_root - the step that plans what keeps / read-only, and swap */
int plan_root(struct building *b);
