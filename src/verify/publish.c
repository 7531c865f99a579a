/* SPDX-License-Identifier: MIT */
#include "verify/publish.h"

#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "conf/ini.h"

#define ASIDE LOAD_PUBLISHED_DIR ".new"

/* The directory of the copy that is @len bytes of @path. */
static int make_parent(const struct rootfs *r, const char *path, size_t len)
{
	_cleanup_free_ char *dir = NULL;
	int err = text_format(&dir, ASIDE "%.*s", (int)len, path);

	return err < 0 ? err : make_path(r->root_fd, dir + 1, 0755);
}

/* How many bytes of @path lead to the first component that is not for all. */
static size_t find_closed(const struct rootfs *r, const char *path)
{
	for (size_t n = 1 + strcspn(path + 1, "/"); path[n]; n += 1 + strcspn(path + n + 1, "/")) {
		_cleanup_free_ char *dir = strndup(path, n);

		if (!dir || !rootfs_is_public_dir(r, dir))
			return n;
	}
	return strlen(path);
}

/*
 * In place of what is left out: a directory that only root may look into, so that for all others it
 * "cannot be read" here as there, and they do not take the rest for the whole.
 */
static int publish_closed(const struct rootfs *r, const char *path)
{
	size_t len = find_closed(r, path), parent = len;
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;

	while (path[parent - 1] != '/')
		parent--;
	name = strndup(path + parent, len - parent);
	if (!name)
		return -ENOMEM;
	fd = make_parent(r, path, parent);
	return fd < 0 ? fd : make_dir(fd, name, 0700);
}

static int publish_file(const struct rootfs *r, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t n;
	int err;

	err = rootfs_read_public(r, path, INI_FILE_BYTES_MAX, &text, &n);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return publish_closed(r, path);
	fd = make_parent(r, path, (size_t)(name - path));
	return fd < 0 ? fd : write_bytes(fd, name, 0644, text, n);
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
