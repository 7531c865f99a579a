/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * immutable_set - make a file immutable, or mutable again
 * @name: in the directory; not followed if it is a link
 *
 * As chattr(1) with +i: nobody can write to it, rename or remove it. Overlayfs copies the file to the
 * upper in RAM and stores the flag there (ovl_fileattr_set() in its inode.c, Linux 5.15), if that is
 * a tmpfs that supports it (6.1).
 *
 * Returns: 0 or -errno; -ENOTTY or -EOPNOTSUPP if the kernel does not support it.
 */
int immutable_set(int dir_fd, const char *name, bool on);
