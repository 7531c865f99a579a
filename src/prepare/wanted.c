/* SPDX-License-Identifier: MIT */
#include "prepare/wanted.h"

#include <fcntl.h>

#include "basic/beneath.h"
#include "prepare/told.h"

bool wanted_is_file(const struct wanted *w)
{
	return w->persist->conf->kind == PERSIST_FILE;
}

static int explain(const struct wanted *w, int err)
{
	return err == -ELOOP ? tell_link(w->persist->path, w->root_fd, w->persist->lower, err) :
			       err;
}

int wanted_open_lower(const struct wanted *w)
{
	int flags = wanted_is_file(w) ? O_PATH : O_RDONLY | O_DIRECTORY;
	int fd = open_beneath(w->root_fd, w->persist->lower, flags);

	return fd == -ENOTDIR && wanted_is_file(w) ? -ENOENT : explain(w, fd);
}

int wanted_open_lower_parent(const struct wanted *w, const char **ret_name)
{
	return explain(w, open_parent_beneath(w->root_fd, w->persist->lower, ret_name));
}
