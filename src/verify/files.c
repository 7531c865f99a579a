/* SPDX-License-Identifier: MIT */
#include "verify/files.h"

#include <fcntl.h>
#include <stdio.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/text.h"

int files_replace(int root_fd, const char *dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = make_path(root_fd, dir, 0755);
	_cleanup_free_ char *aside = NULL;
	int err;

	if (fd < 0)
		return fd;
	if (!*text)
		return unlinkat(fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	err = text_format(&aside, ".%s.new", name);
	if (err < 0)
		return err;
	err = write_file(fd, aside, 0644, text);
	if (err < 0)
		return err;
	return renameat(fd, aside, fd, name) < 0 ? -errno : 0;
}
