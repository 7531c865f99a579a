/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * persist_prepare - make the Directory= of a persist, unless it exists: with its mode, its owner
 * and, with Populate=yes, its content
 * @root_fd: root directory of the system; the partition is mounted below it
 *
 * A power cut at any moment leaves it complete or absent. On success a file in PLAN_PREPARED_DIR
 * allows its unit to mount it.
 *
 * Returns: 0, or TOLD; the partition is then as it was.
 */
int persist_prepare(int root_fd, const struct plan *plan, const struct plan_persist *p);
