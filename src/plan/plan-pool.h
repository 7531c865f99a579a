/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/** plan_shared_pool - the RAM pool on /rofs, unless nothing is declared. Returns: 0 or -errno. */
int plan_shared_pool(struct building *b);

/**
 * plan_add_pool - one more pool, mounted on @dir
 * @s:      asks for it
 * @wanted: its size, inodes, shared, early and pos
 *
 * Returns: 0, -ENOMEM or -EBADMSG with a message.
 */
int plan_add_pool(struct building *b, const struct conf_section *s, const char *dir,
		  const struct plan_pool *wanted);
