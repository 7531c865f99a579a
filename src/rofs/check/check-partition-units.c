/* SPDX-License-Identifier: MIT */
/* The units that [Partition] Requires=: without one of them, systemd does not mount the partition. */
#include <fnmatch.h>
#include <string.h>

#include "basic/macro.h"
#include "plan/dependencies.h"
#include "rofs/check/check.h"
#include "system/unit-file.h"

/* Generators of systemd and of LVM write these at boot; an image does not have them. */
static bool is_generated(const char *name)
{
	static const char *const patterns[] = {
		"systemd-cryptsetup@*.service",
		"systemd-veritysetup@*.service",
		"systemd-integritysetup@*.service",
		"lvm2-activation*.service",
	};

	for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* Those types are nothing without a file; a mount may be fstab's, a device comes from udev. */
static bool needs_file(const char *name)
{
	static const char *const types[] = { ".service", ".socket", ".target", ".timer", ".path" };
	const char *type = strrchr(name, '.');

	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strcmp(type, types[i]) == 0)
			return !is_generated(name);
	return false;
}

/* @ret: what is wrong with it; NULL: nothing */
static int look_for(const struct checking *c, const char *name, const char **ret)
{
	static const enum unit_origin origins[] = { UNIT_ORIGIN_IMAGE, UNIT_ORIGIN_RUN };

	*ret = "does not exist";
	for (size_t i = 0; i < (c->running ? 2 : 1); i++) {
		_cleanup_unit_dirs_ struct unit_dirs d = unit_dirs_open(&c->l->root, origins[i]);
		_cleanup_unit_file_ struct unit_file u = { 0 };
		int err = unit_file_read(&d, name, &u);

		if (err < 0)
			return err;
		if (!u.fragment_dir)
			continue;
		*ret = u.is_masked ? "is masked" : NULL;
		return 0;
	}
	return 0;
}

static int check_unit(struct checking *c, const struct conf_section *s, const char *name)
{
	const char *wrong;
	int err = look_for(c, name, &wrong);

	if (err >= 0 && wrong)
		check_add(
			c, PROBLEM_PARTITION_UNIT, s, conf_key_pos(s, "Requires"),
			"[Partition %s]: Requires=%s: this unit %s, and without it systemd does not "
			"mount the partition; expected the name of an installed unit",
			s->name, name, wrong);
	return err;
}

int check_partition_units(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct conf_partition *q = p->partitions[i].conf;
		_cleanup_dependencies_ struct plan_dependencies d = { 0 };
		int err = 0;

		if (!q)
			continue;
		err = dependencies_add_words(&d, DEPENDENCY_REQUIRES, q->requires);
		for (size_t j = 0; j < d.n && err >= 0; j++)
			if (needs_file(d.list[j].name))
				err = check_unit(c, &q->section, d.list[j].name);
		if (err < 0)
			return err;
	}
	return 0;
}
