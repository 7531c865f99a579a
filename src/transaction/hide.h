/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * hide_in_upper - hide the directory of transactions of a lower from the users of its overlay
 * @upper_fd: the upper directory of an overlay whose lower is a file system of its own
 *
 * A whiteout in the upper. A directory that somebody has there stays, and becomes opaque. It may be made while the overlay is mounted, and
 * before the directory is made in the lower: nobody has looked for the name then.
 *
 * Returns: 0 or -errno.
 */
int hide_in_upper(int upper_fd);
