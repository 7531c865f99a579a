/* SPDX-License-Identifier: MIT */
#include "plan/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fstab_entry_done(struct fstab_entry *e)
{
	free(e->spec);
	free(e->dir);
	free(e->type);
	free(e->options);
	free(e->file);
	free(e->refused);
}

bool facts_is_masked(const struct facts *f, const char *unit)
{
	char name[256]; /* UNIT_NAME_MAX of systemd, and a NUL */
	const char *at = strchr(unit, '@'), *type = strrchr(unit, '.');
	int n;

	if (f->masked.n == 0 || unit_names_has(&f->masked, unit))
		return f->masked.n > 0;
	if (!at || !type || at > type)
		return false;
	n = snprintf(name, sizeof(name), "%.*s@%s", (int)(at - unit), unit, type);
	return n > 0 && (size_t)n < sizeof(name) && unit_names_has(&f->masked, name);
}

void facts_done(struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		fstab_entry_done(&f->fstab[i]);
	fstab_entry_done(&f->cmdline_root);
	for (size_t i = 0; i < f->n_overlays; i++)
		free(f->overlays[i].resolved);
	for (size_t i = 0; i < f->n_persists; i++)
		free(f->persists[i].resolved);
	for (size_t i = 0; i < f->n_native_links; i++) {
		free(f->native_links[i].dir);
		free(f->native_links[i].name);
	}
	free(f->native_links);
	for (size_t i = 0; i < f->n_waits; i++) {
		free(f->waits[i].unit);
		free(f->waits[i].mount);
	}
	free(f->waits);
	unit_names_done(&f->late_units);
	unit_names_done(&f->early_units);
	unit_names_done(&f->mount_dropins);
	unit_names_done(&f->controlled);
	unit_names_done(&f->masked);
	unit_names_done(&f->wanted);
	unit_names_done(&f->extra_units);
	free(f->fstab);
	free(f->overlays);
	free(f->persists);
	*f = (struct facts){ 0 };
}
