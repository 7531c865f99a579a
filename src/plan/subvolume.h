/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "plan/facts.h"

/*
 * Mounts of one device do not always show the same files: a subvolume of btrfs, or with
 * X-mount.subdir= a directory of any file system, is mounted as if it were one of its own.
 */

/** enum subvolumes - what two mounts of one device show */
enum subvolumes {
	SUBVOLUMES_UNKNOWN, /* of one only the number is known */
	SUBVOLUMES_SAME,
	SUBVOLUMES_OUTER, /* the first shows what the second does, and more */
	SUBVOLUMES_INNER, /* the second shows what the first does, and more */
	SUBVOLUMES_SEPARATE,
};

/**
 * subvolume_compare - compare what two lists of mount options choose
 *
 * Returns: an enum subvolumes, or -ENOMEM.
 */
int subvolume_compare(const char *one, const char *two);

/** subvolume_is_btrfs - does the entry say that it mounts a btrfs? */
bool subvolume_is_btrfs(const struct fstab_entry *e);
