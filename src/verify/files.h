/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * files_replace - write a file, of which readers see the old text or the new one
 * @dir:  below @root_fd, without a slash in front; made if need be
 * @text: "" removes the file
 *
 * Returns: 0 or -errno.
 */
int files_replace(int root_fd, const char *dir, const char *name, const char *text);
