/* SPDX-License-Identifier: MIT */
#include "system/late-units.h"

#include <stdlib.h>
#include <string.h>

#include "basic/text.h"
#include "plan/late-unit.h"
#include "plan/unit-name.h"
#include "system/unit-file.h"
#include "system/unit-waits.h"

/* How far to follow what a unit waits for. */
#define DEPTH_MAX 3u

static int is_late(const struct unit_dirs *d, const char *name, unsigned depth, bool *ret);

/* Those types are ordered after sysinit.target, unless they say otherwise; systemd.service(5) etc. */
static bool is_late_by_default(const struct unit_file *u, const char *name)
{
	static const char *const types[] = { ".service", ".socket", ".timer", ".path" };
	const struct unit_setting *s = unit_file_last(u, "Unit", "DefaultDependencies");
	const char *type = strrchr(name, '.');
	bool is_default = true;

	if (s && value_boolean(s->value, &is_default) >= 0 && !is_default)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* @word of After=, @n bytes. */
static int waits_for(const struct unit_dirs *d, const struct unit_file *u, const char *word,
		     size_t n, unsigned depth, bool *ret)
{
	_cleanup_free_ char *name = strndup(word, n);

	if (!name)
		return -ENOMEM;
	*ret = late_unit_is(name);
	if (*ret || depth >= DEPTH_MAX || !unit_file_pulls_in(u, name))
		return 0;
	return is_late(d, name, depth + 1, ret);
}

/* @u: the unit of this name */
static int is_late_unit(const struct unit_dirs *d, const struct unit_file *u, const char *name,
			unsigned depth, bool *ret)
{
	*ret = is_late_by_default(u, name);
	for (const struct unit_setting *s = NULL;
	     !*ret && (s = unit_file_next(u, "Unit", "After", s));)
		for (const char *w = s->value; !*ret && *(w += strspn(w, " \t"));) {
			size_t n = strcspn(w, " \t");
			int err = waits_for(d, u, w, n, depth, ret);

			if (err < 0)
				return err;
			w += n;
		}
	return 0;
}

/* Returns: 1 if there is such a unit in the image, 0 or -ENOMEM. */
static int read_unit(const struct unit_dirs *d, const char *name, struct unit_file *u)
{
	int err = value_is_unit(name, strlen(name)) ? unit_file_read(d, name, u) : 0;

	return err < 0 ? err : !u->is_masked && u->has_fragment;
}

static int is_late(const struct unit_dirs *d, const char *name, unsigned depth, bool *ret)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	int found = read_unit(d, name, &u);

	*ret = false;
	return found <= 0 ? found : is_late_unit(d, &u, name, depth, ret);
}

/* Does it come before what every mount of a device waits for? */
static int is_early(const struct unit_file *u, bool *ret)
{
	*ret = false;
	for (const struct unit_setting *s = NULL;
	     !*ret && (s = unit_file_next(u, "Unit", "Before", s));)
		for (const char *w = s->value; !*ret && *(w += strspn(w, " \t"));) {
			size_t n = strcspn(w, " \t");
			_cleanup_free_ char *unit = strndup(w, n);

			if (!unit)
				return -ENOMEM;
			*ret = early_unit_is(unit);
			w += n;
		}
	return 0;
}

/* Most lines say nothing of units. */
static int add_of_fstab(const struct facts *f, struct plan_dependencies *names)
{
	int err = 0;

	for (size_t i = 0; i < f->n_fstab && err >= 0; i++) {
		_cleanup_diag_ struct diag unheard = { 0 };

		if (strstr(f->fstab[i].options, "x-systemd."))
			err = dependencies_add_fstab(names, &f->fstab[i], &unheard);
	}
	return err;
}

static int add_names(const struct conf *c, const struct facts *f, struct plan_dependencies *names)
{
	int err = 0;

	for (size_t i = 0; i < c->n_partitions && err >= 0; i++) {
		const struct conf_partition *p = c->partitions[i];

		err = dependencies_add_words(names, DEPENDENCY_REQUIRES, p->requires);
		if (err >= 0)
			err = dependencies_add_words(names, DEPENDENCY_AFTER, p->after);
	}
	return err < 0 ? err : add_of_fstab(f, names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct plan_dependency *)a)->name,
		      ((const struct plan_dependency *)b)->name);
}

static int add_network_mounts(struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];
		char *name = NULL;
		int err;

		if (e->dir[0] != '/' || !fstab_is_network(e))
			continue;
		err = unit_name_from_path(e->dir, ".mount", &name);
		if (err >= 0)
			err = unit_names_add(&f->late_units, name);
		if (err < 0 && err != -ENAMETOOLONG)
			return err;
	}
	return 0;
}

/* All that is asked of one unit. */
static int look_at(const struct unit_dirs *d, const char *name, struct facts *f)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	bool late = false, early = false;
	int err = read_unit(d, name, &u);

	if (err <= 0)
		return err;
	err = is_late_unit(d, &u, name, 1, &late);
	if (err >= 0 && late)
		err = unit_names_add(&f->late_units, strdup(name));
	if (err >= 0)
		err = is_early(&u, &early);
	if (err >= 0 && early)
		err = unit_names_add(&f->early_units, strdup(name));
	return err < 0 ? err : unit_waits_read(d, name, &u, f);
}

/* Of several with one name, the first is read. */
static int read_units(const struct rootfs *r, const struct plan_dependencies *names,
		      struct facts *f)
{
	_cleanup_unit_dirs_ struct unit_dirs d = unit_dirs_open(r, UNIT_ORIGIN_IMAGE);
	int err = 0;

	qsort(names->list, names->n, sizeof(*names->list), compare_names);
	for (size_t i = 0; i < names->n && err >= 0; i++) {
		const struct plan_dependency *x = &names->list[i];

		if (*x->name == '/' || late_unit_is(x->name) ||
		    (i > 0 && strcmp(x->name, (x - 1)->name) == 0))
			continue;
		err = look_at(&d, x->name, f);
	}
	return err;
}

int late_units_read(const struct rootfs *r, const struct conf *c, struct facts *f)
{
	_cleanup_dependencies_ struct plan_dependencies names = { 0 };
	int err = add_names(c, f, &names);

	if (err < 0 || names.n == 0)
		return err;
	err = add_network_mounts(f);
	if (err >= 0)
		err = read_units(r, &names, f);
	unit_names_sort(&f->late_units);
	unit_names_sort(&f->early_units);
	return err;
}
