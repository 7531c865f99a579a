/* SPDX-License-Identifier: MIT */
#pragma once

#define BOOT_ID_SIZE 37u /* a UUID in text, and NUL; random(4) */

/** boot_id_read - the ID of this boot, from proc/sys/kernel/random/boot_id below @root_fd. Returns: 0 or -errno. */
int boot_id_read(int root_fd, char ret[BOOT_ID_SIZE]);
