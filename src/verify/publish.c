/* SPDX-License-Identifier: MIT */
#include "verify/publish.h"

#include <stdio.h>
#include <string.h>

#include "basic/text.h"
#include "conf/ini.h"
#include "verify/files.h"

#define ASIDE LOAD_PUBLISHED_DIR ".new"

static bool is_for_all(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;

	return rootfs_resolve(r, path, &resolved) == 0 && rootfs_stat(r, resolved, &st) == 0 &&
	       (st.st_mode & S_IROTH);
}

/* Returns 0 also where there is nothing to copy, or -errno. */
static int publish_file(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *text = NULL, *dir = NULL;
	const char *name = strrchr(path, '/') + 1;
	size_t n;
	int err;

	if (!is_for_all(r, path))
		return 0;
	err = rootfs_read(r, path, INI_FILE_BYTES_MAX, &text, &n);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	err = text_format(&dir, ASIDE "%.*s", (int)(name - 1 - path), path);
	if (err < 0)
		return err;
	return files_replace(r->root_fd, dir + 1, name, text);
}

int publish_configuration(const struct loaded *l)
{
	int fd = rootfs_open_dir(&l->root, LOAD_PUBLISHED_DIR), err = 0;

	closep(&fd);
	if (fd >= 0)
		return 0;
	for (size_t i = 0; i < l->conf.n_files && err >= 0; i++)
		err = publish_file(&l->root, l->conf.files[i]);
	/* In one step, so that nobody takes a part for the whole. */
	if (err >= 0)
		renameat(l->root.root_fd, &ASIDE[1], l->root.root_fd, &LOAD_PUBLISHED_DIR[1]);
	return err == -ENOMEM ? err : 0;
}
