/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/rootfs.h"

/** struct dir_names - names in a directory, sorted; owned. All-zero is empty. */
struct dir_names {
	char **list;
	size_t n;
};

/**
 * dir_names_read - the names in a directory of the system being read that match a pattern
 * @dir:   what cannot be read has no names
 * @flags: of fnmatch(3)
 * @max:   no more than these are taken
 * @ret:   all-zero before; dir_names_done() frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int dir_names_read(const struct rootfs *r, const char *dir, const char *pattern, int flags,
		   size_t max, struct dir_names *ret);
void dir_names_done(struct dir_names *names);

#define _cleanup_dir_names_ _cleanup_(dir_names_done)
