/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_lower_of - make what fstab mounts visible below /rofs/ro
 * @s: asks for it
 * @e: an entry of facts->fstab; the second time nothing is done
 *
 * Returns: 0, -ENOMEM or -EBADMSG with a message.
 */
int plan_lower_of(struct building *b, const struct conf_section *s, const struct fstab_entry *e);
