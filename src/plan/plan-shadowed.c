/* SPDX-License-Identifier: MIT */
/* Two that want to be mounted on one path, or one in the other: of both somebody expects to see it. */
#include "plan/plan-shadowed.h"

#include <string.h>

#include "plan/subvolume.h"
#include "plan/unit-name.h"

/* In these, each device has one name. */
static bool has_one_name_each(const char *dir, size_t n)
{
	static const char *const dirs[] = { "/dev", "/dev/disk/by-label", "/dev/disk/by-uuid",
					    "/dev/disk/by-partlabel", "/dev/disk/by-partuuid" };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (strlen(dirs[i]) == n && strncmp(dir, dirs[i], n) == 0)
			return true;
	return false;
}

/*
 * Is what @e mounts plainly something else than partition @p has? With names of two kinds, only a look at
 * the machine would tell: rofs check. Returns: 1, 0 or -ENOMEM.
 */
static int is_another(const struct fstab_entry *e, const struct plan_partition *p)
{
	_cleanup_free_ char *other = NULL;
	const char *path = p->device_path;
	size_t n = (size_t)(strrchr(path, '/') - path);
	int err = unit_name_device_path(e->spec, &other), shown;

	if (err < 0)
		return err == -EINVAL ? 1 : err;
	if (strcmp(other, path) != 0)
		return (size_t)(strrchr(other, '/') - other) == n && strncmp(other, path, n) == 0 &&
		       has_one_name_each(path, n);
	shown = subvolume_compare(e->options, p->conf->options);
	return shown < 0 ? shown : shown == SUBVOLUMES_SEPARATE;
}

static int check_same_path(struct building *b, const struct plan_persist *p)
{
	const struct fstab_entry *e = p->fstab_entry;
	const struct conf_section *s = &p->conf->section;
	int another;

	/*
	 * Populate=yes copies from it: it is where that file system is to be seen now. A unit without What=
	 * mounts nothing.
	 */
	if (!e || p->lower_mount != NO_INDEX || !e->spec[0])
		return 0;
	another = is_another(e, &b->plan.partitions[p->partition]);
	if (another <= 0)
		return another;
	diag_warning(
		b->diag, s->pos,
		"[Persist %s]: %s mounts %s on this path as well; the persist takes precedence, and %s is "
		"not mounted there; expected only one of the two",
		s->name, fstab_origin(e), e->spec, e->spec);
	diag_note(b->diag, fstab_pos(e), "%s is named here", e->spec);
	return 0;
}

/* The persist that @path is in, but not on; NULL: there is none. */
static const struct plan_persist *persist_above(const struct building *b, char *path)
{
	const struct plan_persist *p;
	char *slash;

	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		p = plan_find_persist(&b->plan, path);
		if (p)
			return p;
	}
	return NULL;
}

/* Its unit requires that of the persist, and local-fs.target requires it. */
static int check_below(struct building *b, const struct fstab_entry *e)
{
	_cleanup_free_ char *path = strdup(e->dir);
	const struct plan_persist *p;
	const struct conf_section *s;

	if (!path)
		return -ENOMEM;
	p = persist_above(b, path);
	if (!p || plan_persist_is_required(p) || fstab_is_remote(e) || fstab_is_automount(e) ||
	    fstab_has_option(e->options, "nofail") || fstab_has_option(e->options, "noauto"))
		return 0;
	s = &p->conf->section;
	diag_warning(
		b->diag, s->pos,
		"[Persist %s]: %s mounts %s on %s, in the persist; without the partition this fails, and "
		"the boot ends in emergency mode; expected nofail there",
		s->name, fstab_origin(e), e->spec, e->dir);
	diag_note(b->diag, fstab_pos(e), "%s is named here", e->spec);
	return 0;
}

int plan_shadowed(struct building *b)
{
	int err = 0;

	for (size_t i = 0; i < b->plan.n_persists && err >= 0; i++)
		err = check_same_path(b, &b->plan.persists[i]);
	for (size_t i = 0; i < b->fstab.n && err >= 0; i++)
		err = check_below(b, b->fstab.entries[i]);
	return err;
}
