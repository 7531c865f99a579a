/* SPDX-License-Identifier: MIT */
/* Mount units of the image at undeclared paths. */
#include <string.h>

#include "plan/unit-name.h"
#include "rofs/check/check.h"
#include "system/cmdline-units.h"
#include "system/mount-extra.h"
#include "system/native-mounts.h"

int check_read_mounts(struct checking *c)
{
	const struct rootfs *r = &c->l->root;
	struct mount_points m = { 0 };
	/* Making the plan has reported all mistakes already. */
	_cleanup_diag_ struct diag unheard = { 0 };
	int err = fstab_read(r, c->l->cmdline, &unheard, &c->all, &m);

	if (err >= 0)
		err = mount_extra_read(r, c->l->cmdline, &unheard, &c->all, &m);
	if (err >= 0)
		err = cmdline_units_read(r, c->l->cmdline, &c->all);
	if (err >= 0)
		err = native_mounts_read_all(r, &c->all, &m);
	mount_points_done(&m);
	return err;
}

/* The plan is made with those of fstab, the kernel command line and declared paths. */
static bool is_planned_with(const struct facts *f, const char *dir)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].dir, dir) == 0)
			return true;
	return false;
}

static int check_unit(struct checking *c, const struct fstab_entry *e)
{
	const struct plan *p = &c->l->plan;
	_cleanup_free_ char *path = NULL;
	int err = unit_name_device_path(e->spec, &path);

	if (err < 0)
		return err == -EINVAL ? 0 : err;
	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *q = &p->partitions[i];

		if (q->conf && check_is_device(c, path, q->device_path))
			check_add(
				c, PROBLEM_DEVICE_SHARED, &q->conf->section, fstab_pos(e),
				"this unit mounts the device of [Partition %s] on %s as well, which "
				"fails if only one of the two mounts is read-only; expected a "
				"[Persist %s] instead of the unit",
				q->conf->section.name, e->dir, e->dir);
	}
	return 0;
}

int check_mount_units(struct checking *c)
{
	const struct fstab_index *x = &c->all_mounts;
	int err = 0;

	for (size_t i = 0; i < x->n && err >= 0; i++)
		if (!is_planned_with(&c->l->facts, x->entries[i]->dir))
			err = check_unit(c, x->entries[i]);
	return err;
}
