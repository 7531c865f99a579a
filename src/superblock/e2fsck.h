/* SPDX-License-Identifier: MIT */
#pragma once

/** struct e2fsck_result - how bad e2fsck finds a file system */
struct e2fsck_result {
	int status;	     /* its exit status; 255 for a signal */
	unsigned long lines; /* of output; each problem is at least one */
};

/**
 * e2fsck_look - run e2fsck -fn, which changes nothing
 * @fd: of the device; it may be held exclusively
 *
 * Returns: 0, or -errno: it could not be run.
 */
int e2fsck_look(int fd, struct e2fsck_result *ret);
