/* SPDX-License-Identifier: MIT */
/* Where changes to a path go, by the plan. */
#include "basic/path.h"
#include "rofs/check/check.h"

#define BINDS_MAX 8u /* of binds; also where they go round in a circle */

/* Does what is mounted on @dir decide about @path, rather than what is mounted on @nearest? */
static bool is_nearer(const char *dir, const char *nearest, const char *path)
{
	return path_is_at_or_below(path, dir) && path_is_at_or_below(dir, nearest);
}

/* The file system without overlays and persists. */
static struct place underlying(const struct checking *c, const char *path, const char **ret_dir)
{
	const struct plan *p = &c->l->plan;
	const struct fstab_entry *e = fstab_at_or_above(&c->all_mounts, path);
	bool kept = p->n_remounts > 0;

	*ret_dir = e ? e->dir : "/";
	if (path_is_api(path) || (p->tmp && path_is_at_or_below(path, "/tmp")))
		return (struct place){ .kind = PLACE_MOUNT };
	if (!e)
		return (struct place){ .kind = kept ? PLACE_READ_ONLY : PLACE_ROOT };
	if (fstab_has_option(e->options, "ro") || (kept && fstab_is_kept_read_only(e)))
		return (struct place){ .kind = PLACE_READ_ONLY, .entry = e };
	return (struct place){ .kind = PLACE_MOUNT, .entry = e };
}

/* What is mounted there; a bind as it is. */
static struct place place_of(const struct checking *c, const char *path)
{
	const struct plan *p = &c->l->plan;
	const char *nearest;
	struct place place = underlying(c, path, &nearest);

	/* In path order: the last is the nearest. */
	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];

		if (!is_nearer(o->path, nearest, path))
			continue;
		nearest = o->path;
		place = (struct place){ .kind = PLACE_OVERLAY, .overlay = o };
		for (size_t j = 0; j < o->n_start_empty; j++)
			place.starts_empty = place.starts_empty ||
					     path_is_at_or_below(path, o->start_empty[j]);
	}
	for (size_t i = 0; i < p->n_persists; i++)
		if (is_nearer(p->persists[i].path, nearest, path)) {
			nearest = p->persists[i].path;
			place = (struct place){ .kind = PLACE_PERSIST, .persist = &p->persists[i] };
		}
	return place;
}

/* A bind by fstab shows what is at its source then, but nothing that is mounted below that. */
struct place check_place_of(const struct checking *c, const char *path)
{
	struct place place = place_of(c, path);
	const struct fstab_entry *bind = NULL;
	bool read_only = false;

	for (unsigned i = 0; i < BINDS_MAX && place.entry && fstab_is_bind(place.entry); i++) {
		bind = place.entry;
		read_only = read_only || place.kind == PLACE_READ_ONLY;
		place = place_of(c, bind->spec);
	}
	/* What is on an overlay is named as such, whoever may write to it. */
	if (read_only && place.kind != PLACE_OVERLAY)
		place.kind = PLACE_READ_ONLY;
	place.bind = bind;
	return place;
}

const struct plan_overlay *check_overlay_of(const struct checking *c, const char *path)
{
	struct place place = check_place_of(c, path);

	return place.starts_empty ? NULL : place.overlay;
}

bool check_is_divided(const struct checking *c, const char *path)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_below(p->persists[i].path, path))
			return true;
	for (size_t i = 0; i < c->all_mounts.n; i++)
		if (path_is_below(c->all_mounts.entries[i]->dir, path))
			return true;
	return false;
}

const char *check_add_persist(const struct plan_overlay *o, const char *path)
{
	return path_is_at_or_below(o->path, path) ? "remove the overlay and add" : "add";
}
