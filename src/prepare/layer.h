/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/plan.h"

/** struct layers - where the changes of an overlay go, and where it is mounted; all borrowed */
struct layers {
	const char *dir;    /* of upper and work */
	const char *merged; /* mount point */
	bool kept;	    /* on a partition, so that they may be older than this boot */
};

/** layers_declared - those of the plan */
struct layers layers_declared(const struct plan_overlay *o);

/**
 * layer_prepare - make the declared upper and work directory of an overlay
 *
 * work is made last: an overlay without it cannot be mounted, so what is half done is never used.
 * If it exists, a layer in RAM is left as it is. One on a partition gets this boot's machine ID,
 * and the mount points of files that have been declared since.
 *
 * The upper also gets the mount points of single files that the lower lacks: systemd would make
 * directories.
 *
 * @ret_lower_fd: the lower, to be mounted with them; set unless it fails; the caller closes it
 *
 * Returns: 0; 1 when the overlay can be mounted but is not all that was declared; or -errno. All
 * but 0 have been logged.
 */
int layer_prepare(int root_fd, const struct plan *p, const struct plan_overlay *o,
		  int *ret_lower_fd);

/** layer_prepare_in - as layer_prepare(), in other layers than the declared ones */
int layer_prepare_in(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     const struct layers *l, int *ret_lower_fd);

/** layer_refuse - it could not be mounted: from now on its unit may not try. Returns: 0 or -errno. */
int layer_refuse(int root_fd, const struct plan_overlay *o);
