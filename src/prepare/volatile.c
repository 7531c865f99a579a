/* SPDX-License-Identifier: MIT */
#include "prepare/volatile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "prepare/owner.h"
#include "prepare/told.h"
#include "prepare/wanted.h"

static int make(const struct wanted *w)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(w->dir_fd, w->name, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = open_dir_at(w->dir_fd, w->name);
	return fd < 0 ? fd : owner_set(w, fd, false);
}

int volatile_make(int root_fd, const struct plan *plan, const struct plan_persist *p)
{
	_cleanup_free_ char *above = NULL;
	_cleanup_close_ int dir_fd = -1;
	struct wanted w = { .root_fd = root_fd, .plan = plan, .persist = p };
	int err;

	/* On the root file system it would be there for good. */
	if (!mount_point_at(root_fd, "/tmp"))
		return log_error(-ENODEV, "%s: /tmp is not mounted; nothing is created there",
				 p->path);
	w.name = strrchr(p->path, '/') + 1;
	above = strndup(p->path, (size_t)(w.name - p->path));
	dir_fd = above ? make_path(root_fd, above, 0755) : -ENOMEM;
	w.dir_fd = dir_fd;
	err = dir_fd < 0 ? dir_fd : make(&w);
	return err < 0 ? tell(err, "%s: cannot create the directory: %s", p->path, strerror(-err)) :
			 0;
}
