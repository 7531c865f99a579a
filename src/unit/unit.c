/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "basic/text.h"
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

/* They are for all mount units, and would replace the options of each of ours, or its source. */
static int mask_dropins(struct rendering *r)
{
	const struct unit_names *dropins = &r->plan->facts->mount_dropins;
	size_t n = dropins->n > 0 ? r->set.n_files : 0;
	int err = 0;

	for (size_t i = 0; i < n && err >= 0; i++) {
		_cleanup_free_ char *dir = NULL;
		const char *name = r->set.files[i].name, *type = strrchr(name, '.');

		/* A longer directory the kernel would not take. */
		if (!type || strcmp(type, ".mount") != 0 || strlen(name) + strlen(".d") > NAME_MAX)
			continue;
		err = text_format(&dir, "%s.d/", name);
		for (size_t k = 0; k < dropins->n && err >= 0; k++)
			err = unit_add_link(r, dir, dropins->list[k], "/dev/null");
	}
	return err;
}

/* Each step needs only what the steps before it have rendered. @n: their number */
static int run_steps(int (*const *steps)(struct rendering *), size_t n, struct rendering *r)
{
	int err = 0;

	for (size_t i = 0; i < n && err >= 0; i++)
		err = steps[i](r);
	return err;
}

int units_render(const struct plan *p, const char *libexec_dir, struct unit_set *ret)
{
	static int (*const maintenance[])(struct rendering *) = {
		unit_render_remount,
		unit_render_maintenance,
		unit_render_maintenance_links,
		leave_masked,
	};
	static int (*const steps[])(struct rendering *) = {
		unit_render_remount,  unit_render_firstboot,  unit_render_swaps,
		unit_render_pools,    unit_render_ro,	      unit_render_finish,
		unit_render_lowers,   unit_render_partitions, unit_render_runs,
		unit_render_overlays, unit_render_persists,   unit_render_fstab_duplicates,
		unit_render_tmp,      unit_render_commits,    unit_render_device,
		mask_dropins,	      unit_render_links,      leave_masked,
	};
	struct rendering r = { .plan = p, .libexec_dir = libexec_dir };
	int err = p->maintenance ? run_steps(maintenance, ELEMENTSOF(maintenance), &r) :
				   run_steps(steps, ELEMENTSOF(steps), &r);

	if (err < 0)
		unit_set_done(&r.set);
	else
		*ret = r.set;
	return err;
}
