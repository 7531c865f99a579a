/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>

/** enum content - what a device holds */
enum content {
	CONTENT_BLANK,	 /* only zeros, or only the ones of erased flash, as far as is looked */
	CONTENT_WANTED,	 /* a file system of the wanted type */
	CONTENT_OTHER,	 /* a signature of something else */
	CONTENT_UNKNOWN, /* no signature, but it is not blank */
	_CONTENT_MAX,
	_CONTENT_INVALID = -EINVAL,
};

/**
 * content_find - look for signatures on a device, and at its first and last MiB if there are none
 * @fd:        of a block device
 * @type:      the wanted type; ext2, ext3 and ext4 are taken for one
 * @ret:       set on success
 * @ret_found: with CONTENT_OTHER the type of the first signature; the caller frees it
 *
 * A signature counts also where a checksum says that it is damaged: libblkid is asked as wipefs(8)
 * asks it.
 *
 * Returns: 0 or -errno.
 */
int content_find(int fd, const char *type, enum content *ret, char **ret_found);
