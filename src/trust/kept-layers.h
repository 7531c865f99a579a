/* SPDX-License-Identifier: MIT */
#pragma once

#include "trust/way.h"

/**
 * kept_layers_check - may overlayfs use the upper and work that a partition holds already?
 * @w:      the way that led to them
 * @dir_fd: directory of upper and work
 * @dir:    its path, for refusals
 *
 * The kernel takes them by name and follows a link. Both must be directories of the partition's own
 * file system. The owner and the mode of upper are those of the merged directory, and not checked:
 * only root can reach it, but through the overlay. work must be root's, and hold only what
 * overlayfs puts there: the kernel cleans it when it mounts, and what it cannot clean makes the
 * overlay read-only, as do immutable directories. Nothing is removed here.
 *
 * Returns: 0, also where one is missing, or -errno.
 */
int kept_layers_check(struct way *w, int dir_fd, const char *dir);
