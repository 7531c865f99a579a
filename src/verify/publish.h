/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * publish_configuration - copy the files of the configuration to where all users can read them
 *
 * Once in a boot: a later call changes nothing. What only some may read is left out, be it because of
 * a directory above it, and cannot be read in the copy either. A failure to copy is none of the
 * verdict; users are told then that they see less.
 *
 * Returns: 0 or -ENOMEM.
 */
int publish_configuration(const struct loaded *l);
