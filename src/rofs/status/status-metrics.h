/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/status/status-collect.h"

/** status_metrics - OpenMetrics text. Returns: 0 or -ENOMEM. */
int status_metrics(const struct status *s);
