/* SPDX-License-Identifier: MIT */
#include "rofs/changes/flags.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "layer/chattr.h"

bool changes_flags_differ(const struct changes *c, const struct plan_overlay *o,
			  const struct upper_entry *e)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int merged = -1, at = -1, lower = -1;

	/* No program can name what has a longer path, and the way to each of many would take time. */
	if (strlen(e->path) >= PATH_MAX)
		return false;
	if (!e->lower || e->lower_dir < 0 || !(S_ISREG(e->change.type) || S_ISDIR(e->change.type)))
		return false;
	merged = open_dir_at(c->loaded.root.root_fd, o->merged);
	if (merged < 0)
		return false;
	at = open_beneath(merged, e->path + strlen(o->path), flags & ~O_CLOEXEC);
	lower = openat(e->lower_dir, e->name, flags);
	if (at < 0 || lower < 0)
		return false;
	return chattr_read(at) != chattr_read(lower);
}
