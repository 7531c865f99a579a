/* SPDX-License-Identifier: MIT */
#pragma once

#include "software/setting.h"
#include "system/homes.h"

/**
 * setting_value_path - the directory that a value of a setting names
 * @home: of the user whose setting it is; NULL: it is the system's
 * @ret:  clean; owned by the caller
 *
 * Returns: 1; 0: it names none in which data is kept; -ENOMEM.
 */
int setting_value_path(const struct rootfs *r, const struct setting *s, const struct home *home,
		       const char *value, char **ret);
