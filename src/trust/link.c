/* SPDX-License-Identifier: MIT */
#include "trust/link.h"

#include "basic/beneath.h"
#include "basic/macro.h"
#include "basic/text.h"

void link_explain(int root_fd, const char *path, int err, char **ret)
{
	_cleanup_free_ char *link = NULL;

	*ret = NULL;
	if ((err != -ELOOP && err != -ENOTDIR) || beneath_find_link(root_fd, path, &link) <= 0)
		return;
	text_format(ret,
		    "%s is a symbolic link, which is not followed here; "
		    "expected a directory or file",
		    link);
}
