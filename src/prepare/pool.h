/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "prepare/layer.h"

/*
 * Layers and persists are made only on a pool that is mounted. Otherwise they would be on the root
 * file system, or in another pool, and be hidden when the pool's unit mounts it after all.
 */

/**
 * pool_is_mounted - is this the mount point of a pool?
 * @root_fd: where @dir begins
 * @in_ram:  must it be a tmpfs?
 *
 * Returns: 0; -ENODEV: it is not; or another -errno.
 */
int pool_is_mounted(int root_fd, const char *dir, bool in_ram);

/**
 * pool_check_layers - is the pool of these layers mounted?
 *
 * Returns: 0, or -errno after logging it.
 */
int pool_check_layers(int root_fd, const struct plan *p, const struct plan_overlay *o,
		      const struct layers *l);

/**
 * pool_check_persist - is the partition of this persist mounted?
 *
 * Returns: 0, or -errno after logging it.
 */
int pool_check_persist(int root_fd, const struct plan *p, const struct plan_persist *persist);
