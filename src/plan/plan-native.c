/* SPDX-License-Identifier: MIT */
#include "plan/plan-native.h"

#include <string.h>

#include "plan/plan-masks.h"

/*
 * Nothing in the image pulls the unit in, but a service might by Requires= or RequiresMountsFor=. It
 * would get the unit of rofs of the same name, and the file system is mounted nowhere.
 */
static void warn_not_enabled(struct building *b, const struct fstab_entry *e)
{
	const struct plan_overlay *o = plan_find_overlay(&b->plan, e->dir);

	if (!o || !e->file || !e->spec[0] || e->overridden || fstab_is_in_ram(e) ||
	    !fstab_has_option(e->options, "noauto"))
		return;
	diag_warning(
		b->diag, fstab_pos(e),
		"[Overlay %s] replaces this unit, which is not enabled, and hides %s; enable it "
		"to make that the lower, or mask it",
		o->conf->section.name, e->spec);
	diag_note(b->diag, o->conf->section.pos, "the overlay is declared here");
}

/* Links that would start an automount over it, and drop-ins that would change what is mounted. */
static int mask_links(struct building *b)
{
	const struct facts *f = b->plan.facts;

	for (size_t i = 0; i < f->n_native_links; i++) {
		const struct native_link *l = &f->native_links[i];
		_cleanup_free_ char *name = NULL;
		int err;

		if (!plan_find_overlay(&b->plan, l->dir) && !plan_find_persist(&b->plan, l->dir))
			continue;
		/* Masked for all mounts. */
		if (unit_names_has(&f->mount_dropins,
				   strrchr(l->name, '/') ? strrchr(l->name, '/') + 1 : ""))
			continue;
		name = strdup(l->name);
		err = name ? plan_take_name(b, &name, &b->plan.masks, &b->plan.n_masks) : -ENOMEM;
		if (err < 0)
			return err;
	}
	return 0;
}

int plan_native_units(struct building *b)
{
	for (size_t i = 0; i < b->plan.facts->n_fstab; i++)
		warn_not_enabled(b, &b->plan.facts->fstab[i]);
	return mask_links(b);
}
