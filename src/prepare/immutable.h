/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * immutable_set - make a file immutable, or let go of it
 *
 * As chattr(1) does it: nobody can write to it, rename or remove it. Overlayfs copies the file to
 * the layer in RAM and keeps the flag there (ovl_fileattr_set() in its inode.c, Linux 5.15), if that
 * is a tmpfs that takes it (6.1).
 *
 * Returns: 0 or -errno; -ENOTTY or -EOPNOTSUPP where the kernel cannot.
 */
int immutable_set(const char *path, bool on);
