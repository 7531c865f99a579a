/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "system/rootfs.h"

/** struct nfs_export - a path that the NFS server of the kernel exports; strings borrowed */
struct nfs_export {
	const char *path; /* clean and absolute, links not followed */
	const char *file; /* "/etc/exports" */
	unsigned line;
	bool crossmnt; /* for one client at least: also what is mounted below it */
};

/**
 * exports_each - call @found for each path in /etc/exports and /etc/exports.d/ *.exports: exports(5)
 * @found: returns 0, or a negative errno that ends it
 *
 * Files in the directory are read in the order of their names.
 *
 * Returns: 0, what @found returned, or -ENOMEM. Files that are missing or cannot be read are left out.
 */
int exports_each(const struct rootfs *r, int (*found)(void *data, const struct nfs_export *e),
		 void *data);
