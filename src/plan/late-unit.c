/* SPDX-License-Identifier: MIT */
#include "plan/late-unit.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

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

	return is_one_of(name, names, ELEMENTSOF(names));
}

/*
 * What local-fs-pre.target and the devices wait for, by the unit files of systemd 247 to 262; the log
 * of each service of ours; and what every lower is mounted from.
 */
bool early_unit_is(const char *name)
{
	static const char *const names[] = {
		"local-fs-pre.target",
		"systemd-remount-fs.service",
		"systemd-fsck-root.service",
		"systemd-fsckd.socket",
		"systemd-tmpfiles-setup-dev.service",
		"systemd-tmpfiles-setup-dev-early.service",
		"kmod-static-nodes.service",
		"systemd-sysusers.service",
		"systemd-hwdb-update.service",
		"systemd-udevd.service",
		"systemd-udevd-control.socket",
		"systemd-udevd-kernel.socket",
		"systemd-udevd-varlink.socket",
		"systemd-udev-trigger.service",
		"systemd-journald.socket",
		"-.mount",
		"rofs.mount",
		"rofs-ro.mount",
		"rofs-prepare.service",
	};

	return is_one_of(name, names, ELEMENTSOF(names));
}

const char *early_unit_of(const struct facts *f, const struct plan_dependencies *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const char *name = d->list[i].name;

		if (d->list[i].kind == DEPENDENCY_BEFORE &&
		    (early_unit_is(name) || unit_names_has(&f->early_units, name)))
			return name;
	}
	return NULL;
}

const char *late_unit_of(const struct facts *f, const struct plan_dependencies *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct plan_dependency *x = &d->list[i];

		if (x->kind != DEPENDENCY_REQUIRES && x->kind != DEPENDENCY_WANTS &&
		    x->kind != DEPENDENCY_AFTER)
			continue;
		if (late_unit_is(x->name) || unit_names_has(&f->late_units, x->name))
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

int early_unit_of_fstab(const struct facts *f, const struct fstab_entry *e, char **ret)
{
	_cleanup_dependencies_ struct plan_dependencies d = { 0 };
	struct diag unheard = { 0 };
	const char *unit = NULL;
	int err = 0;

	*ret = NULL;
	if (strstr(e->options, "x-systemd.before="))
		err = dependencies_add_fstab(&d, e, &unheard);
	diag_done(&unheard);
	if (err >= 0)
		unit = early_unit_of(f, &d);
	if (err < 0 || !unit)
		return err;
	*ret = strdup(unit);
	return *ret ? 0 : -ENOMEM;
}
