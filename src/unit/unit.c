/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "unit/unit-internal.h"

/*
 * systemd-debug-generator makes a link of the same name in the same directory, and whichever of the two
 * comes second fails. What would need the unit is not planned.
 */
static int leave_masked(struct rendering *r)
{
	struct unit_set *s = &r->set;
	size_t kept = 0;

	for (size_t i = 0; i < s->n_files; i++) {
		if (i == s->first_link)
			s->first_link = kept;
		if (!strchr(s->files[i].name, '/') &&
		    facts_is_masked(r->plan->facts, s->files[i].name))
			unit_file_free(&s->files[i]);
		else
			s->files[kept++] = s->files[i];
	}
	s->n_files = kept;
	return 0;
}

int units_render(const struct plan *p, const char *libexec_dir, struct unit_set *ret)
{
	/* Each step needs only what the steps before it have rendered. */
	static int (*const steps[])(struct rendering *) = {
		unit_render_remount,
		unit_render_firstboot,
		unit_render_swaps,
		unit_render_pools,
		unit_render_ro,
		unit_render_lowers,
		unit_render_partitions,
		unit_render_runs,
		unit_render_overlays,
		unit_render_persists,
		unit_render_fstab_duplicates,
		unit_render_tmp,
		unit_render_links,
		leave_masked,
	};
	struct rendering r = { .plan = p, .libexec_dir = libexec_dir };

	for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
		int err = steps[i](&r);

		if (err < 0) {
			unit_set_done(&r.set);
			return err;
		}
	}

	*ret = r.set;
	return 0;
}
