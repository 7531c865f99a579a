/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "software/software.h"
#include "system/rootfs.h"

/**
 * struct software_place - where software keeps data on the system that is read
 *
 * @dir is what to persist: the default directory, if @path is in it. Both are clean, and without
 * symbolic links as far as they exist.
 */
struct software_place {
	const struct software *software;
	const struct software_data *data;
	char *path;
	char *dir;
	char *file;    /* that sets @path; NULL: it is the default */
	unsigned line; /* of @file; 0: not known */
	bool installed;
};

/** struct software_places - all of them, in the order of the table. All-zero is empty. */
struct software_places {
	struct software_place *items;
	size_t n;
};

/**
 * software_read - find out where known software keeps its data
 *
 * It need not be installed, and what is at the path need not exist: the caller looks. One path is there
 * once, for the first software in the table that is installed, or that there is.
 *
 * Returns: 0 or -ENOMEM.
 */
int software_read(const struct rootfs *r, struct software_places *ret);
void software_places_done(struct software_places *p);

#define _cleanup_software_places_ _cleanup_(software_places_done)
