/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/**
 * written_why - why the device of the root was written to although the root is read-only
 * @device:    "/dev/sda1", or NULL
 * @root_type: of the root's file system
 * @ret:       what did it and how to prevent it, NULL if that is not known; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int written_why(const struct loaded *l, const char *device, const char *root_type, char **ret);
