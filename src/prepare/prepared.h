/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files in PLAN_PREPARED_DIR. A mount unit asserts that the one with its name exists: what has
 * failed is not mounted, all else is.
 */

/** prepared_clear - from now on the unit may not mount. Returns: 0 or -errno. */
int prepared_clear(int root_fd, const char *unit);

/** prepared_mark - from now on it may. Returns: 0 or -errno. */
int prepared_mark(int root_fd, const char *unit);
