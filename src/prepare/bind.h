/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/*
 * Both leave a path alone on which something is mounted. They return 0, or -errno after logging it;
 * the mount unit of the path then tries again.
 */

/**
 * bind_to_path - bind an assembled overlay, or what replaces it, to the path it is for
 * @what: where that is mounted; what is mounted in it, guards and other overlays, is bound with it
 *
 * From /etc it then removes PID 1's mount on machine-id.
 */
int bind_to_path(const char *what, const struct plan_overlay *o);

/**
 * bind_read_only - without overlayfs, bind the path of an overlay to itself, read-only
 *
 * Its mount unit is then active, so that persists below the path are still mounted; the unit of the
 * overlay fails and shows why. Mounts below the path are bound too: /etc has PID 1's machine-id.
 */
int bind_read_only(const struct plan_overlay *o);
