/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * link_explain - say which component of a path is a symbolic link, if that is why a walk ended
 * @root_fd: where @path begins
 * @err:     -errno of the walk, which is -ELOOP or -ENOTDIR then
 * @ret:     the sentence; NULL: no link is the reason, or there is no memory; the caller frees it
 */
void link_explain(int root_fd, const char *path, int err, char **ret);
