/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_commits - name what commits an overlay in RAM, and what finishes that after a power cut
 * @o: otherwise complete
 *
 * Returns: 0, -ENOMEM or -EBADMSG with a message.
 */
int plan_commits(struct building *b, struct plan_overlay *o);

/**
 * plan_finishes - the step that names what finishes transactions on what fstab mounts, lowers apart
 *
 * Only in a boot in which there is such a transaction; in others, nothing has to wait.
 */
int plan_finishes(struct building *b);
