/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

/* Numbers of the kernel's that the headers of older systems lack. */

/* statfs(2) f_type: linux/magic.h, there MSDOS_SUPER_MAGIC; exfat's is in its own source */
#define MAGIC_VFAT  0x4d44
#define MAGIC_EXFAT 0x2011bab0
