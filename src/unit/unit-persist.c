/* SPDX-License-Identifier: MIT */
#include "unit/unit-internal.h"

/* PID 1 says it on the console and in the journal when the partition does not come. */
static const char *persist_description(const struct plan_persist *p)
{
	/* What is beneath it is seen then, and on a partition it can be written to. */
	if (p->conf->kind == PERSIST_FILE && p->conf->if_missing == IF_MISSING_READ_ONLY &&
	    p->overlay != SIZE_MAX && p->guard == SIZE_MAX)
		return "persistent, bound from a partition";
	switch (p->conf->if_missing) {
	case IF_MISSING_VOLATILE:
		return "persistent, bound from a partition; volatile without it";
	case IF_MISSING_EMERGENCY:
		return "persistent, bound from a partition; no boot without it";
	case IF_MISSING_READ_ONLY:
	case _IF_MISSING_MAX:
	case _IF_MISSING_INVALID:
		break;
	}
	return "persistent, bound from a partition; read-only without it";
}

static int render_persist(struct rendering *r, const struct plan_persist *p)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct plan *plan = r->plan;

	unit_add_head(&b, p->conf->section.pos, p->path, persist_description(p));
	strbuf_add(&b, "# The partition it is bound from.\n");
	unit_add_requires_after(&b, plan->partitions[p->partition].unit);
	if (p->prepare != SIZE_MAX) {
		const char *prepare = plan->runs[p->prepare].unit;

		strbuf_add(
			&b,
			"# It makes what is bound, and leaves a file for each that it has made:\n"
			"# one that fails does not take the others of the partition along.\n");
		strbuf_addf(&b, "Wants=%s\nAfter=%s\nAssertPathExists=" PLAN_PREPARED_DIR "/%s\n",
			    prepare, prepare, p->unit);
	}
	if (p->guard != SIZE_MAX) {
		const char *guard = plan->runs[p->guard].unit;

		strbuf_add(&b, "# It keeps writes off the path until this is mounted there.\n");
		strbuf_addf(&b, "Wants=%s\nAfter=%s\n", guard, guard);
	}
	unit_add_before_local_fs(&b);
	unit_add_before_verify(&b);
	unit_add_umount(&b);
	strbuf_add(&b, "\n[Mount]\n");
	unit_add_path_line(&b, "What", p->what);
	unit_add_path_line(&b, "Where", p->path);
	strbuf_add(&b, "Type=none\n");
	unit_add_options(&b, p->options);
	return unit_add_unit(r, p->unit, &b);
}

int unit_render_persists(struct rendering *r)
{
	for (size_t i = 0; i < r->plan->n_persists; i++) {
		int err = render_persist(r, &r->plan->persists[i]);

		if (err < 0)
			return err;
	}
	return 0;
}
