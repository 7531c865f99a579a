/* SPDX-License-Identifier: MIT */
#include "prepare/link.h"

#include "basic/beneath.h"
#include "basic/macro.h"
#include "prepare/told.h"

int link_explain(const char *subject, int root_fd, const char *path, int err)
{
	_cleanup_free_ char *link = NULL;

	if ((err != -ELOOP && err != -ENOTDIR) || beneath_find_link(root_fd, path, &link) <= 0)
		return err;
	return log_error(TOLD,
			 "%s: %s is a symbolic link, which is not followed here; "
			 "expected a directory or file",
			 subject, link);
}
