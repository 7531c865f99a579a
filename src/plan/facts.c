/* SPDX-License-Identifier: MIT */
#include "plan/facts.h"

#include <stdlib.h>

void fstab_entry_done(struct fstab_entry *e)
{
	free(e->spec);
	free(e->dir);
	free(e->type);
	free(e->options);
	free(e->file);
	free(e->refused);
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
	for (size_t i = 0; i < f->n_late_units; i++)
		free(f->late_units[i]);
	free(f->late_units);
	for (size_t i = 0; i < f->n_early_units; i++)
		free(f->early_units[i]);
	free(f->early_units);
	free(f->fstab);
	free(f->overlays);
	free(f->persists);
	*f = (struct facts){ 0 };
}
