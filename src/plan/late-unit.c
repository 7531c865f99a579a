/* SPDX-License-Identifier: MIT */
#include "plan/late-unit.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

bool late_unit_is(const char *name)
{
	/* The network: where another program than systemd-networkd configures it. */
	static const char *const names[] = {
		"local-fs.target",   "sysinit.target",	      "basic.target",
		"sockets.target",    "timers.target",	      "paths.target",
		"network.target",    "network-online.target", "remote-fs-pre.target",
		"remote-fs.target",  "nss-lookup.target",     "time-sync.target",
		"multi-user.target", "graphical.target",      "default.target",
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int compare(const void *name, const void *unit)
{
	return strcmp(name, *(char *const *)unit);
}

const char *late_unit_of(const struct facts *f, const struct plan_dependencies *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct plan_dependency *x = &d->list[i];

		if (x->kind != DEPENDENCY_REQUIRES && x->kind != DEPENDENCY_WANTS &&
		    x->kind != DEPENDENCY_AFTER)
			continue;
		if (late_unit_is(x->name) ||
		    (f->n_late_units > 0 && bsearch(x->name, f->late_units, f->n_late_units,
						    sizeof(*f->late_units), compare)))
			return x->name;
	}
	return NULL;
}

/* @ret_unit: a copy; NULL with false. */
static int waits_for_late(const struct facts *f, const struct fstab_entry *e, char **ret_unit)
{
	_cleanup_dependencies_ struct plan_dependencies d = { 0 };
	struct diag unheard = { 0 };
	const char *unit = NULL;
	int err = 0;

	if (strstr(e->options, "x-systemd."))
		err = dependencies_add_fstab(&d, e, &unheard);
	diag_done(&unheard);
	if (err >= 0)
		unit = late_unit_of(f, &d);
	if (err < 0 || !unit)
		return err;
	*ret_unit = strdup(unit);
	return *ret_unit ? 1 : -ENOMEM;
}

int late_mount_above(const struct facts *f, const struct fstab_index *x, const char *path,
		     struct late_mount *ret)
{
	_cleanup_free_ char *dir = strdup(path);
	const struct fstab_entry *e;

	*ret = (struct late_mount){ 0 };
	if (!dir)
		return -ENOMEM;
	while ((e = fstab_at_or_above(x, dir))) {
		int err = waits_for_late(f, e, &ret->unit);

		if (err < 0)
			return err;
		if (!ret->unit)
			ret->needs = fstab_needs(x, e);
		if (ret->unit || ret->needs != NEEDS_NOTHING) {
			ret->entry = e;
			return 0;
		}
		dir[strlen(e->dir)] = '\0';
		*strrchr(dir, '/') = '\0';
	}
	return 0;
}

void late_mount_done(struct late_mount *l)
{
	free(l->unit);
	*l = (struct late_mount){ 0 };
}
