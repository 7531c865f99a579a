/* SPDX-License-Identifier: MIT */
#include "prepare/wanted.h"

#include <fcntl.h>
#include <string.h>

bool wanted_is_file(const struct wanted *w)
{
	return w->persist->conf->kind == PERSIST_FILE;
}

const char *wanted_lower(const struct wanted *w)
{
	return w->persist->lower + strspn(w->persist->lower, "/");
}

int wanted_open_lower(const struct wanted *w)
{
	int flags = wanted_is_file(w) ? O_PATH : O_RDONLY | O_DIRECTORY;
	int fd = openat(w->root_fd, wanted_lower(w), flags | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR && wanted_is_file(w) ? -ENOENT : -errno;
	return fd;
}
