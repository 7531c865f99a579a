/* SPDX-License-Identifier: MIT */
#pragma once

#include "trust/way.h"

/**
 * kept_persist_check - may what a partition has as the Directory= of a persist be bound?
 * @w:      the way that led to it
 * @dir_fd: the directory that it is in
 *
 * Its owner, its mode and its content are the application's business.
 *
 * Returns: 1, 0 if there is nothing, or -errno.
 */
int kept_persist_check(struct way *w, int dir_fd, const struct plan_persist *p);

/**
 * kept_persist_check_path - does its path lead through no link?
 *
 * systemd mounts on the path by its name. Whoever owns a directory on the way may have put a link
 * in its place, to have the mount on another path. It need not exist: systemd makes it.
 *
 * Returns: 0 or -errno.
 */
int kept_persist_check_path(struct way *w, const struct plan *plan, const struct plan_persist *p);
