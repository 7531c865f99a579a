/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/status/status-collect.h"

/** status_json - rofs(8) describes the fields. Returns: 0 or -ENOMEM. */
int status_json(const struct status *s);
