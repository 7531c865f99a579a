/* SPDX-License-Identifier: MIT */
#include "plan/facts.h"

#include <stdlib.h>

void facts_done(struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++) {
		free(f->fstab[i].spec);
		free(f->fstab[i].dir);
		free(f->fstab[i].type);
		free(f->fstab[i].options);
	}
	for (size_t i = 0; i < f->n_overlays; i++)
		free(f->overlays[i].resolved);
	for (size_t i = 0; i < f->n_persists; i++)
		free(f->persists[i].resolved);
	free(f->fstab);
	free(f->overlays);
	free(f->persists);
	*f = (struct facts){ 0 };
}
