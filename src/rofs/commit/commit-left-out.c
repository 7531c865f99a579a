/* SPDX-License-Identifier: MIT */
/* rofs commit: what the file system of the lower cannot hold is left out, so that nobody stops the commit of all others. */
#include <string.h>
#include <sys/statvfs.h>

#include "basic/text.h"
#include "layer/copy-tree.h"
#include "rofs/commit/commit-copy.h"
#include "system/log.h"

#define ROOM ((uint64_t)1024 * 1024) /* more than any attribute takes */

/* ENOSPC of an attribute says that it is too large, or that the file system is full. */
static bool has_room(int fd)
{
	struct statvfs st;

	return fstatvfs(fd, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize >= ROOM &&
	       (st.f_files == 0 || st.f_favail > 0);
}

static bool is_of_attribute(int err)
{
	return err == -E2BIG || err == -ERANGE || err == -EINVAL || err == -EPERM ||
	       err == -EACCES || err == -EOPNOTSUPP;
}

/* The size of the file, a name or the target of a link, too many names or directories in one, or attributes. */
static bool is_of_limit(int err)
{
	return err == -EFBIG || err == -ENAMETOOLONG || err == -EOVERFLOW || err == -ELOOP ||
	       err == -EMLINK || err == -E2BIG;
}

static bool is_of_item(int fd, const struct failure *f, int err)
{
	if (err == -EAGAIN)
		return true; /* a lease */
	if (f->attribute[0] && (is_of_attribute(err) || (err == -ENOSPC && has_room(fd))))
		return true;
	return is_of_limit(err);
}

static const char *reason(const struct failure *f, int err)
{
	if (err == -ENOSPC)
		return "it is too large for the file system on flash";
	if (err == -EAGAIN)
		return "another program holds a lease on it";
	return failure_reason(f, err);
}

/* The items are the writer's own; only the order of them is fixed. */
static void mark(struct commit_writer *w, const struct commit_item *item)
{
	w->commit->items[item - w->commit->items].left_out = true;
}

void commit_lose(struct commit_writer *w, const struct commit_item *item)
{
	mark(w, item);
	commit_tell(w->commit, COMMIT_GONE_MEANWHILE, item->path);
}

int commit_fail(struct commit_writer *w, const struct commit_item *item, int fd,
		const struct failure *f, int err)
{
	_cleanup_free_ char *shown = NULL;
	char text[FAILURE_TEXT_MAX];
	const char *path;

	if (!is_of_item(fd, f, err))
		return commit_report(w, item, f, err == -ENOENT ? -ESTALE : err);
	mark(w, item);
	if (w->commit->left_out++ >= COMMIT_NAMED_MAX)
		return -ENOENT;
	progress_end(&w->progress);
	path = path_text_set(&w->path, item->path, NULL);
	if (!path || text_escape(path, &shown) < 0)
		return log_error(-ENOMEM, "out of memory");
	log_error(0, "%s%s is left out: cannot %s it: %s", shown,
		  commit_is_dir(item) && commit_is_copied(item) ? " with all in it" : "",
		  failure_text(f, text), reason(f, err));
	return -ENOENT;
}
