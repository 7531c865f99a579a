/* SPDX-License-Identifier: MIT */
#include "plan/plan-build.h"

#include <assert.h>
#include <search.h>

#include "basic/strbuf.h"
#include "plan/devices.h"
#include "plan/left-out.h"
#include "plan/partition-directories.h"
#include "plan/plan-commit.h"
#include "plan/plan-fstab-duplicates.h"
#include "plan/plan-masks.h"
#include "plan/plan-native.h"
#include "plan/plan-overlay.h"
#include "plan/plan-partition.h"
#include "plan/plan-persist.h"
#include "plan/plan-pool.h"
#include "plan/plan-root.h"
#include "plan/plan-shadowed.h"

static void check_rofs(struct building *b)
{
	if (claims_exist(b->claims, b->n_claims) && !b->plan.facts->rofs_exists)
		diag_error(
			b->diag, (struct pos){ 0 },
			"/rofs is not a directory on the root file system; create it there: mkdir -m 0700 /rofs");
}

/*
 * Those that the kernel knows. All four off allow the lower to be changed while nothing is mounted. An
 * upper that is kept may have been written elsewhere: it must not redirect a directory to one of the
 * lower that others may not enter, which the kernel does with "off" as well.
 */
static int overlay_options(const struct facts *f, bool kept, char **ret)
{
	enum {
		RAM = 1,
		KEPT = 2,
		BOTH = 3
	};
	static const struct {
		const char *option;
		unsigned major, minor; /* of the kernel that first knows it */
		unsigned layers;
	} options[] = {
		{ "index=off", 4, 13, BOTH },	    { "metacopy=off", 4, 19, BOTH },
		{ "redirect_dir=off", 4, 10, RAM }, { "redirect_dir=nofollow", 4, 15, KEPT },
		{ "xino=off", 4, 17, BOTH },
	};
	_cleanup_strbuf_ struct strbuf s = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(options); i++) {
		bool known = f->kernel_major == 0 || f->kernel_major > options[i].major ||
			     (f->kernel_major == options[i].major &&
			      f->kernel_minor >= options[i].minor);

		if (!known || !(options[i].layers & (kept ? KEPT : RAM)))
			continue;
		if (s.len)
			strbuf_add_char(&s, ',');
		strbuf_add(&s, options[i].option);
	}
	return strbuf_take(&s, ret);
}

/* Otherwise nothing would say that what is below such a mount point is not where it was. */
static void check_fstab(struct building *b)
{
	for (size_t i = 0; i < b->plan.facts->n_fstab; i++) {
		const struct fstab_entry *e = &b->plan.facts->fstab[i];
		const char *field = fstab_unsound_field(e);

		if (field && e->dir[0] == '/')
			diag_warning(
				b->diag, fstab_pos(e),
				"the entry for %s is ignored: %s has a control character, a byte that is not "
				"UTF-8 or a backslash at its end",
				e->dir, field);
	}
}

static int plan_overlay_options(struct building *b)
{
	int err = overlay_options(b->plan.facts, false, &b->plan.overlay_options);

	return err < 0 ? err : overlay_options(b->plan.facts, true, &b->plan.kept_options);
}

static int build(struct building *b)
{
	/* Each step needs only what the steps before it have planned. */
	static int (*const steps[])(struct building *) = {
		plan_overlay_options,  plan_shared_pool, plan_partitions, plan_tmp,
		plan_overlays,	       plan_persists,	 plan_shadowed,	  plan_unused_partitions,
		plan_fstab_duplicates, plan_root,	 plan_masks,	  plan_native_units,
		plan_finishes,
	};
	int err;

	err = claims_build(b->plan.conf, b->plan.facts, b->left_outs->sections, b->diag, &b->claims,
			   &b->n_claims);
	if (err < 0)
		return err;
	b->stage_at[STAGE_DIRECTORIES] = b->diag->n_entries;
	err = partition_directories_check(b->plan.conf, b->claims, b->n_claims, b->diag);
	if (err < 0)
		return err;
	err = fstab_index_build(b->plan.facts, &b->fstab);
	if (err < 0)
		return err;

	b->lower_of = calloc(b->plan.facts->n_fstab + 1, sizeof(*b->lower_of));
	if (!b->lower_of)
		return -ENOMEM;
	for (size_t i = 0; i < b->plan.facts->n_fstab; i++)
		b->lower_of[i] = NO_INDEX;

	check_rofs(b);
	check_fstab(b);
	for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
		err = steps[i](b);
		if (err < 0)
			return err;
	}
	return 0;
}

static void keep(_unused_ void *node)
{
}

static void building_done(struct building *b)
{
	free(b->claims);
	free(b->lower_of);
	devices_done(b);
	for (size_t i = 0; i < b->n_waits; i++)
		free(b->waits[i].unit);
	free(b->waits);
	tdestroy(b->names, keep);
	fstab_index_done(&b->fstab);
	diag_done(b->diag);
}

/*
 * Each round leaves more out, most often only in the first one. Where a script has written sections that
 * come into view only one after the other, the last ones are left out too.
 */
#define ROUNDS_MAX 64u

/* One round. @ret is set when it was the last one: @l has all that is left out. */
static int build_without(const struct plan *empty, struct left_outs *l, bool last, struct diag *d,
			 struct plan *ret)
{
	struct diag draft = { .draft = true };
	struct building b = { .plan = *empty, .diag = &draft, .left_outs = l };
	int err, n = 0;

	err = build(&b);
	if (err >= 0 && !last)
		err = n = left_outs_add(l, &b);
	if (err >= 0 && n == 0)
		left_outs_tell(l, &b, d);
	building_done(&b);
	if (err < 0 || n > 0)
		plan_done(&b.plan);
	else
		*ret = b.plan;
	return err;
}

int plan_build(const struct conf *conf, const struct facts *facts, struct diag *d, struct plan *ret)
{
	const struct plan empty = { .conf = conf, .facts = facts, .early_mounts = NO_INDEX };
	_cleanup_left_outs_ struct left_outs l = { 0 };
	int err;

	assert(facts->n_overlays == conf->n_overlays);
	assert(facts->n_persists == conf->n_persists);

	err = left_outs_init(&l, conf);
	for (unsigned round = 1, more = 1; err >= 0 && more; round++) {
		err = build_without(&empty, &l, round == ROUNDS_MAX, d, ret);
		more = err > 0;
	}
	return err;
}
