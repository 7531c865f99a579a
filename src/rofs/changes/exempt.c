/* SPDX-License-Identifier: MIT */
#include "rofs/changes/exempt.h"

#include <string.h>

#include "basic/path.h"
#include "layer/made-by-rofs.h"
#include "transaction/window.h"

static bool is_persist_below(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(p->persists[i].path, path))
			return true;
	return false;
}

static bool is_below_persist(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(path, p->persists[i].path))
			return true;
	return false;
}

/* Users may make something there: over the whiteout that hides it, or before there is one. */
static bool is_reserved(const struct plan *p, const struct plan_overlay *o, const char *path)
{
	const char *top = o->lower_is_root ? NULL : p->lowers[o->lower_mount].entry->dir;
	size_t n = top ? strlen(top) : 0, length = strlen("/" WINDOW_OTHER_DIR);

	if (!top || strncmp(path, top, n) != 0 ||
	    strncmp(path + n, "/" WINDOW_OTHER_DIR, length) != 0)
		return false;
	return path[n + length] == '/' || !path[n + length];
}

enum exempt exempt_of(const struct plan *p, const struct plan_overlay *o,
		      const struct upper_entry *e)
{
	bool dir = e->change.kind != CHANGE_DELETED && S_ISDIR(e->change.type);

	if (is_below_persist(p, e->path))
		return EXEMPT_PERSIST;
	if (dir && plan_overlay_starts_empty(o, e->path))
		return EXEMPT_STARTS_EMPTY;
	/* A mount point of a persist, or a directory above it. */
	if (dir && e->change.kind == CHANGE_ADDED && is_persist_below(p, e->path))
		return EXEMPT_BY_ROFS;
	if (e->change.kind != CHANGE_DELETED && is_reserved(p, o, e->path))
		return EXEMPT_RESERVED;
	return made_by_rofs(e) ? EXEMPT_BY_ROFS : EXEMPT_NOT;
}
