/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"
#include "transaction/record.h"

/*
 * A transaction changes the lower layer below overlays that may have changed the same paths in RAM. What
 * they have hides what was written until the next boot, and must not be committed over it.
 */

/**
 * conflict_find - the paths that a transaction has changed, and that an overlay has changed in another way
 * @root_fd: root of the running system
 * @p:       its overlays; those that are not mounted are left out
 * @r:       the transaction, which is finished
 * @found:   called for each path in an upper layer, absolute and as users see it; returns 0, or -errno,
 *           which ends the search
 *
 * What an overlay has at the path of a switched file or directory, or below it, and what hides such a path
 * from above. What is equal on both sides, and what rofs-prepare has made, is no conflict.
 *
 * Takes time linear in the number of entries of all upper layers.
 *
 * Returns: 0 or -errno.
 */
int conflict_find(int root_fd, const struct plan *p, const struct record *r,
		  int (*found)(void *data, const char *path), void *data);
