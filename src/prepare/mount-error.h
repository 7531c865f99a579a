/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * mount_error_explain - say in plain words why the kernel does not take the layers of an overlay
 * @err: -errno of mount(2), which for most reasons is -EINVAL
 *
 * What overlayfs accepts depends on the kernel: this is asked only when it has refused. Returns:
 * @err, having logged it.
 */
int mount_error_explain(const struct plan_overlay *o, int err);
