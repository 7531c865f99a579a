/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * mount_error_explain - log in plain words why the kernel refuses the layers of an overlay
 * @dir: directory of upper and work
 * @err: -errno of mount(2), which is -EINVAL for most reasons
 *
 * Which layers overlayfs accepts depends on the kernel, so call this only when it has refused them.
 *
 * Returns: @err.
 */
int mount_error_explain(const struct plan_overlay *o, const char *dir, int err);
