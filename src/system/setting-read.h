/* SPDX-License-Identifier: MIT */
#pragma once

#include "software/setting.h"
#include "system/homes.h"
#include "system/unit-dirs.h"

typedef int (*setting_each)(void *data, const char *value, const char *file, unsigned line);

/**
 * setting_read - call @each for what a setting says on the system that is read
 * @dirs: of the units there
 * @home: that ~ stands for; NULL: a file in a home directory is passed over
 * @each: gets the value, the file and the line; returns 0 or -errno, which ends the reading
 *
 * Files that a pattern stands for are read in the order of their names. What cannot be read says
 * nothing.
 *
 * Returns: 0, -ENOMEM, or what @each has returned.
 */
int setting_read(const struct unit_dirs *dirs, const struct setting *s, const struct home *home,
		 setting_each each, void *data);

/**
 * setting_path - a path of the table, with the home directory in place of ~
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int setting_path(const struct home *home, const char *path, char **ret);
