/* SPDX-License-Identifier: MIT */
#include "system/cmdline-units.h"

#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/value.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"

static int add_unit(void *data, const char *value)
{
	struct unit_names *units = data;
	char *name;
	int err;

	/* A template can be masked, with all its instances. */
	if (strstr(value, "@."))
		return unit_names_add(units, strdup(value));
	err = unit_name_mangle(value, ".service", &name);
	return err < 0 || !name ? err : unit_names_add(units, name);
}

static int read_units(const char *cmdline, const char *name, struct unit_names *units)
{
	int err = boot_each_value(cmdline, name, add_unit, units);

	unit_names_sort(units);
	return err;
}

/* The mask takes precedence over the unit that systemd makes of the entry. */
static int override(struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++) {
		struct fstab_entry *e = &f->fstab[i];
		_cleanup_free_ char *unit = NULL;
		int err;

		if (fstab_is_swap(e) || e->dir[0] != '/')
			continue;
		err = unit_name_from_path(e->dir, ".mount", &unit);
		if (err < 0 && err != -ENAMETOOLONG)
			return err;
		e->overridden = e->overridden || (unit && facts_is_masked(f, unit));
	}
	return 0;
}

static int add_extra_unit(void *data, const char *name)
{
	static const char prefix[] = "systemd.extra-unit.";
	struct facts *f = data;
	const char *unit = name + strlen(prefix);
	int err;

	if (strncmp(name, prefix, strlen(prefix)) != 0 || !value_is_unit(unit, strlen(unit)))
		return 0;
	err = unit_names_add(&f->extra_units, strdup(unit));
	return err < 0 ? err : unit_names_add(&f->masked, strdup(unit));
}

/* Since systemd 256. What the host of a container, a virtual machine or the boot loader passes. */
static int read_credentials(const struct rootfs *r, struct facts *f)
{
	static const char *const dirs[] = { "/run/credentials/@system",
					    "/run/credentials/@encrypted" };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (each_name(rootfs_open_dir(r, dirs[i]), add_extra_unit, f) == -ENOMEM)
			return -ENOMEM;
	unit_names_sort(&f->extra_units);
	return 0;
}

int cmdline_units_read(const struct rootfs *r, const char *cmdline, struct facts *f)
{
	int err = read_credentials(r, f);

	if (err >= 0)
		err = read_units(cmdline, "systemd.mask=", &f->masked);
	if (err >= 0)
		err = read_units(cmdline, "systemd.wants=", &f->wanted);
	return err < 0 || f->masked.n == 0 ? err : override(f);
}
