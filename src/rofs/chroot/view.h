/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/* What the command in the chroot sees. All of it is mounted in the mount namespace of the window. */

/** struct view - the root of the chroot, and what was made in it for the command */
struct view {
	int root_fd;
	struct view_made *made; /* mount points that nothing had before */
	size_t n_made;
};

#define VIEW_INIT             \
	{                     \
		.root_fd = -1 \
	}

/**
 * view_mount - mount all of it
 * @c:           window, stage and layers are open
 * @ret:         VIEW_INIT; view_done() frees it
 * @ret_mounted: set as soon as there is something on WINDOW_ROOT that must be unmounted
 *
 * The calling process is the first one of a PID namespace, in the mount namespace of the window. Failures
 * are logged.
 *
 * Returns: 0 or -errno.
 */
int view_mount(const struct chroot *c, struct view *ret, bool *ret_mounted);

/**
 * view_show - show files of the running system in place of those on flash: the resolver's configuration,
 * hosts, the machine ID, and a policy by which packages start no services
 *
 * They are bound over what is there, read-only, and only where they differ; what the command writes in
 * their directories is its own. Failures are logged, and do not matter.
 */
void view_show(const struct chroot *c, struct view *v);

/**
 * view_finish - leave nothing of rofs in what the command has written
 *
 * Removes the mount points that were made, and gives .updated in /etc and /var the time of /usr, if that
 * has changed. Nothing of the command runs any more.
 *
 * Returns: 0 or -errno.
 */
int view_finish(const struct chroot *c, struct view *v);
void view_done(struct view *v);
