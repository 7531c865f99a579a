/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/plan.h"

/*
 * What is unfinished is made in the directory CONF_RESERVED_NAME beside its place, as NEW_NAME. A
 * power cut may leave that directory; the next boot removes it.
 */
#define NEW_NAME "new"

/** struct wanted - one persist, and the place of its directory or file; all borrowed */
struct wanted {
	int root_fd;
	const struct plan *plan;
	const struct plan_persist *persist;
	int dir_fd; /* the directory on the partition in which it is made */
	const char *name;
};

/** wanted_is_file - does it say Kind=file? */
bool wanted_is_file(const struct wanted *w);

/**
 * wanted_open_lower - open what its path shows on the untouched root file system
 *
 * Returns: a descriptor that the caller closes, O_PATH for Kind=file; -ENOENT if there is nothing;
 * TOLD after logging which component is a link; or another -errno.
 */
int wanted_open_lower(const struct wanted *w);

/**
 * wanted_open_lower_parent - open the directory that this is in
 * @ret_name: its name there; set on success
 *
 * Returns: a descriptor (O_PATH) that the caller closes; TOLD, as above; or -errno.
 */
int wanted_open_lower_parent(const struct wanted *w, const char **ret_name);
