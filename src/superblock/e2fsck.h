/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/** struct e2fsck_result - how bad e2fsck finds a file system */
struct e2fsck_result {
	int status;	     /* its exit status */
	int signal;	     /* by which it was killed; 0: by none */
	unsigned long lines; /* of output; each problem is at least one */
};

/**
 * e2fsck_look - run e2fsck -fn, which changes nothing
 * @fd: of the device; it may be held exclusively
 *
 * Signals that the caller has blocked are not blocked for e2fsck.
 *
 * Returns: 0, or -errno: it could not be run.
 */
int e2fsck_look(int fd, struct e2fsck_result *ret);

/** e2fsck_has_verdict - has it looked at the whole file system? Not if it ran out of memory, say. */
bool e2fsck_has_verdict(const struct e2fsck_result *result);

/**
 * e2fsck_cannot_open - may it be that it has no superblock to go by?
 *
 * So it is if the backup copy has a wrong checksum itself, as Linux before 6.2 leaves it when a mounted
 * file system grows. It may also have failed in another way.
 */
bool e2fsck_cannot_open(const struct e2fsck_result *result);
