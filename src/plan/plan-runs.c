/* SPDX-License-Identifier: MIT */
#include "plan/plan-runs.h"

#include <string.h>

#include "plan/plan-names.h"

/*
 * What the name of the unit has between prepare and the subject, and the directory between /rofs
 * and the subject.
 */
static const char *const prefixes[] = {
	[RUN_RAM] = "",
	[RUN_OVERLAY] = "/rw",
	[RUN_PARTITION] = "/persist/",
	[RUN_FALLBACK] = "/fallback",
	[RUN_GUARD] = "/guard",
};
_Static_assert(ELEMENTSOF(prefixes) == _RUN_KIND_MAX, "a prefix for each kind of run");

/* rofs-prepare-rw-srv.service */
static int name_run(struct building *b, const struct conf_section *s, enum run_kind kind,
		    const char *subject, char **ret)
{
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "/rofs/prepare%s%s", prefixes[kind], subject);

	return err < 0 ? err : plan_name_unit(b, s, path, ".service", ret);
}

static int run_dir(enum run_kind kind, const char *subject, char **ret)
{
	if (kind == RUN_GUARD)
		return text_format(ret, "%.*s", (int)(strrchr(subject, '/') - subject), subject);
	return text_format(ret, "/rofs%s%s", prefixes[kind], subject);
}

/* @subject: "" with RUN_RAM. */
static int add_run(struct building *b, const struct conf_section *s, enum run_kind kind,
		   const char *subject, size_t *ret)
{
	struct plan *p = &b->plan;
	_cleanup_(plan_run_done) struct plan_run run = { .kind = kind, .pos = s->pos };
	int err;

	err = array_reserve(p->runs, p->n_runs);
	if (err < 0)
		return err;
	err = name_run(b, s, kind, subject, &run.unit);
	if (err < 0)
		return err;
	err = run_dir(kind, subject, &run.dir);
	if (err < 0)
		return err;
	if (kind != RUN_RAM) {
		err = text_format(&run.subject, "%s", subject);
		if (err < 0)
			return err;
	}

	*ret = p->n_runs;
	p->runs[p->n_runs++] = TAKE_STRUCT(run);
	return 0;
}

int plan_ram_run(struct building *b, const struct conf_section *s, size_t *ret)
{
	int err;

	if (b->plan.early_mounts == NO_INDEX) {
		err = add_run(b, s, RUN_RAM, "", &b->plan.early_mounts);
		if (err < 0)
			return err;
		b->plan.pools[0].early = true;
	}

	*ret = b->plan.early_mounts;
	return 0;
}

int plan_partition_run(struct building *b, const struct conf_section *s, size_t partition,
		       size_t *ret)
{
	struct plan_partition *p = &b->plan.partitions[partition];
	int err;

	if (p->prepare == NO_INDEX) {
		err = add_run(b, s, RUN_PARTITION,
			      b->plan.conf->partitions[partition]->section.name, &p->prepare);
		if (err < 0)
			return err;
	}

	*ret = p->prepare;
	return 0;
}

int plan_path_run(struct building *b, const struct conf_section *s, enum run_kind kind,
		  const char *path, size_t *ret)
{
	return add_run(b, s, kind, path, ret);
}

int plan_indexes_add(struct plan_indexes *x, size_t index)
{
	int err = array_reserve(x->list, x->n);

	if (err >= 0)
		x->list[x->n++] = index;
	return err;
}
