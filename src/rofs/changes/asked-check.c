/* SPDX-License-Identifier: MIT */
#include "rofs/changes/asked-check.h"

#include "basic/path.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "system/log.h"

static const char *start_empty_of(const struct plan_overlay *o, const char *path)
{
	for (size_t i = 0; i < o->n_start_empty; i++)
		if (path_is_at_or_below(path, o->start_empty[i]))
			return o->start_empty[i];
	return NULL;
}

static int check_path(const struct plan *p, const char *path)
{
	const struct plan_overlay *o = asked_paths_overlay(p, path);
	const char *empty = o ? start_empty_of(o, path) : NULL;
	_cleanup_free_ char *shown = NULL;

	if (!o || (!o->on_partition && !empty))
		return -1;
	if (text_escape(path, &shown) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	if (o->on_partition)
		return log_error(ROFS_REFUSED, "%s is already kept, on partition %s", shown,
				 o->conf->partition);
	return log_error(ROFS_REFUSED, "%s is never kept: %s starts empty at each boot", shown,
			 empty);
}

int asked_paths_check(const struct plan *p, const struct asked_paths *paths)
{
	int status = -1;

	for (size_t i = 0; i < paths->n; i++) {
		int one = check_path(p, paths->paths[i].path);

		status = one >= 0 ? one : status;
	}
	return status;
}
