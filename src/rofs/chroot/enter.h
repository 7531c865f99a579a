/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/**
 * enter - become the command, in the chroot
 * @root_fd: its root
 *
 * Failures are logged.
 *
 * Returns: only on failure: 126, or 127 if there is no such command; as of sh(1).
 */
int enter(const struct chroot *c, int root_fd);
