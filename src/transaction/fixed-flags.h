/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * fixed_flags_clear - clear the flags immutable and append-only of a file
 * @name: in the directory, "": the directory itself; not followed if it is a link
 *
 * Returns: 0 or -errno.
 */
int fixed_flags_clear(int dir_fd, const char *name);

/**
 * fixed_flags_set - set these flags, beside those that it has
 * @flags: of enum record_flag; for 0 nothing is done
 */
int fixed_flags_set(int dir_fd, const char *name, unsigned flags);
