/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * publish_configuration - copy the files of the configuration to where all users can read them
 *
 * Once in a boot: a later call changes nothing. Files that only some may read are left out. What
 * cannot be copied is no failure of the verdict; users are told then that they see less.
 *
 * Returns: 0 or -ENOMEM.
 */
int publish_configuration(const struct loaded *l);
