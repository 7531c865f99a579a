/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * link_explain - say which component of a path is a symbolic link, if that is why a walk ended
 * @subject: "[Persist /srv/app]", for the message
 * @root_fd: where @path begins
 * @err:     -errno of the walk, which is -ELOOP or -ENOTDIR then
 *
 * Returns: TOLD after logging it, else @err.
 */
int link_explain(const char *subject, int root_fd, const char *path, int err);
