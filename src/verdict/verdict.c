/* SPDX-License-Identifier: MIT */
#include "verdict/verdict.h"

#include <string.h>

#include "basic/path.h"
#include "plan/fstab.h"
#include "unit/options.h"
#include "verdict/comparing.h"

void verdict_done(struct verdict *v)
{
	problems_done(&v->problems);
	free(v->overlays);
	free(v->persists);
	free(v->storages);
	*v = (struct verdict){ 0 };
}

const char *verdict_state_to_string(enum verdict_state s)
{
	switch (s) {
	case VERDICT_PROTECTED:
		return "protected";
	case VERDICT_PARTIAL:
		return "partial";
	case VERDICT_OFF:
		return "off";
	}
	return "partial";
}

static void compare_configuration(struct comparing *c, const struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		struct problem p = problem_of_entry(&d->entries[i]);

		if (d->entries[i].level == DIAG_ERROR)
			comparing_add(c, &p);
	}
}

/* A bind of another tmpfs, such as /run, comes later in the table than that. */
static bool is_mounted_before(const struct observed *s, const struct observed_mount *m)
{
	for (const struct observed_mount *x = s->mounts; x < m; x++)
		if (observed_same_fs(x, m))
			return true;
	return false;
}

/* The kernel does not show the mode that we ask for, as it is its default. */
static bool has_mode_of_tmp(const struct observed_mount *m)
{
	return !fstab_has_option(m->fs_options, "mode") ||
	       fstab_has_option(m->fs_options, "mode=1777");
}

static enum problem_kind classify_tmp(const struct observed *s, const struct observed_mount *m)
{
	if (!m || strcmp(m->type, "tmpfs") != 0 || observed_is_read_only(m))
		return PROBLEM_TMP_MISSING;
	return strcmp(m->root, "/") == 0 && !is_mounted_before(s, m) && has_mode_of_tmp(m) ?
		       PROBLEM_NONE :
		       PROBLEM_TMP_WRONG;
}

static void compare_tmp(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, "/tmp");
	struct problem p = { .kind = classify_tmp(c->observed, m),
			     .path = "/tmp",
			     .unit = "tmp.mount" };

	if (!c->plan->tmp)
		return;
	if (p.kind == PROBLEM_NONE) {
		comparing_flags(c, m, OPTIONS_TMP, p.unit);
		return;
	}
	comparing_set_mount(&p, m);
	p.fate = comparing_fate(c, "/tmp");
	problem_add_unit(&p, p.unit);
	comparing_add(c, &p);
}

static void compare_swap(struct comparing *c)
{
	const struct conf_root *root = &c->plan->conf->root;

	if (root->swap && !root->section.invalid)
		return;
	for (size_t i = 0; i < c->observed->n_swaps; i++) {
		const struct problem p = { .kind = PROBLEM_SWAP_ACTIVE,
					   .path = c->observed->swaps[i],
					   .device = c->observed->swaps[i] };

		comparing_add(c, &p);
	}
}

static void compare_usage(struct comparing *c, const struct storage *v)
{
	const struct problem space = problem_of_storage(PROBLEM_SPACE_LOW, v),
			     inodes = problem_of_storage(PROBLEM_INODES_LOW, v);

	if (!v->usage.known)
		return;
	if (usage_level(usage_percent(&v->usage)))
		comparing_add(c, &space);
	if (usage_level(usage_inodes_percent(&v->usage)))
		comparing_add(c, &inodes);
}

static void compare_transactions(struct comparing *c)
{
	const struct transactions *t = &c->observed->transactions;
	const struct observed_transaction *pending = transactions_pending(t);
	struct problem unfinished = { .kind = PROBLEM_COMMIT_UNFINISHED,
				      .unit = "rofs-finish.service" };
	const struct problem reboot = { .kind = PROBLEM_REBOOT_PENDING,
					.type = pending ? pending->kind : NULL },
			     maintenance = { .kind = PROBLEM_MAINTENANCE_NEXT };

	problem_add_unit(&unfinished, unfinished.unit);
	if (t->unfinished)
		comparing_add(c, &unfinished);
	if (pending)
		comparing_add(c, &reboot);
	if (t->next_is_maintenance)
		comparing_add(c, &maintenance);
}

/* What is mounted at or below /rofs; NULL: nothing of ours is mounted at all. */
static const struct observed_mount *find_ours(const struct observed *s)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (path_is_at_or_below(s->mounts[i].target, "/rofs"))
			return &s->mounts[i];
	return NULL;
}

bool verdict_is_anything_mounted(const struct observed *s)
{
	return find_ours(s) != NULL;
}

static void add_nothing(struct comparing *c)
{
	const struct observed_mount *root = observed_at(c->observed, "/");
	const struct problem p = { .kind = PROBLEM_NOTHING_MOUNTED,
				   .place = root && !observed_is_read_only(root) ? "/" : NULL };

	comparing_add(c, &p);
}

/* rofs.conf is not what it was when this was mounted. */
static void add_undeclared(struct comparing *c)
{
	const struct observed_mount *m = find_ours(c->observed);
	struct problem p = { .kind = PROBLEM_NOTHING_DECLARED, .path = "/etc/rofs.conf" };

	if (!m)
		return;
	p.device = m->source;
	p.type = m->type;
	p.place = m->target;
	comparing_add(c, &p);
}

static void compare_all(struct comparing *c)
{
	if (!c->plan->conf) {
		add_undeclared(c);
		return;
	}
	/* Without a pool, nothing of ours would be mounted. */
	if (c->plan->n_pools > 0 && !find_ours(c->observed)) {
		add_nothing(c);
		return;
	}
	compare_root(c);
	compare_root_devices(c);
	compare_lowers(c);
	compare_storages(c);
	compare_overlays(c);
	compare_persists(c);
	compare_partitions(c);
	compare_tmp(c);
	compare_swap(c);
	compare_transactions(c);
	for (size_t i = 0; i < c->observed->n_storages; i++)
		compare_usage(c, &c->observed->storages[i]);
}

int verdict_build(const struct plan *p, const struct observed *s, const struct diag *d,
		  struct verdict *ret)
{
	struct comparing c = { .plan = p, .observed = s };
	struct verdict *v = &c.verdict;

	v->overlays = calloc(p->n_overlays + 1, sizeof(bool));
	v->persists = calloc(p->n_persists + 1, sizeof(bool));
	v->storages = calloc(s->n_storages + 1, sizeof(bool));
	if (v->overlays && v->persists && v->storages) {
		compare_all(&c);
		compare_configuration(&c, d);
	} else {
		v->problems.failed = true;
	}
	if (v->problems.failed || d->failed) {
		verdict_done(v);
		return -ENOMEM;
	}

	v->state = v->problems.n_errors ? VERDICT_PARTIAL : VERDICT_PROTECTED;
	*ret = *v;
	return 0;
}

int verdict_maintenance(bool mark_stays, struct verdict *ret)
{
	struct problem stays = { .kind = PROBLEM_MAINTENANCE_STAYS,
				 .path = "/rofs/maintenance",
				 .unit = "rofs-maintenance.service" };

	*ret = (struct verdict){ .state = VERDICT_OFF };
	problem_add_unit(&stays, stays.unit);
	if (mark_stays)
		problems_add(&ret->problems, &stays);
	return ret->problems.failed ? -ENOMEM : 0;
}
