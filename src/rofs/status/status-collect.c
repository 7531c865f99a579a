/* SPDX-License-Identifier: MIT */
#include "rofs/status/status-collect.h"

#include <string.h>

#include "basic/text.h"
#include "rofs/status/reason.h"
#include "rofs/status/written.h"
#include "system/observe.h"
#include "transaction/observed.h"

/* Takes @text over. */
static int add_unseen(struct status *s, char *text)
{
	if (!text || array_reserve(s->unseen, s->n_unseen) < 0) {
		free(text);
		return -ENOMEM;
	}
	s->unseen[s->n_unseen++] = text;
	return 0;
}

void status_done(struct status *s)
{
	for (size_t i = 0; s->partitions && i < s->loaded.plan.n_partitions; i++)
		device_done(&s->partitions[i]);
	for (size_t i = 0; i < s->n_unseen; i++)
		free(s->unseen[i]);
	free(s->partitions);
	free(s->unseen);
	device_done(&s->root);
	units_done(&s->units);
	verdict_done(&s->verdict);
	drift_done(&s->drift);
	observed_done(&s->observed);
	free(s->off);
	load_done(&s->loaded);
}

/* @second: the unit that says more where systemd takes the first for active; NULL: none. */
static const char *state_of(const struct status *s, bool in_force, const char *unit,
			    const char *second)
{
	const char *state;

	if (in_force)
		return "active";
	if (s->off)
		return "inactive";
	state = units_find(&s->units, unit);
	if (second && (!state || strcmp(state, "active") == 0))
		state = units_find(&s->units, second);
	return state && strcmp(state, "active") != 0 ? state : "missing";
}

const char *status_overlay_state(const struct status *s, size_t i)
{
	const struct plan_overlay *o = &s->loaded.plan.overlays[i];

	return state_of(s, s->verdict.overlays && s->verdict.overlays[i], o->merged_unit,
			o->bind_unit);
}

const char *status_persist_state(const struct status *s, size_t i)
{
	return state_of(s, s->verdict.persists && s->verdict.persists[i],
			s->loaded.plan.persists[i].unit, NULL);
}

const char *status_storage_state(const struct status *s, const struct storage *v)
{
	bool in_force = s->verdict.storages ? s->verdict.storages[v - s->observed.storages] :
					      observed_mounted_at(&s->observed, v->dir) != NULL;

	return state_of(s, in_force, v->unit, NULL);
}

/* Returns the number of units. @names: has room for all. */
static size_t list_units(const struct status *s, const char **names)
{
	const struct plan *p = &s->loaded.plan;
	size_t n = 0;

	for (size_t i = 0; i < p->n_overlays; i++) {
		names[n++] = p->overlays[i].merged_unit;
		names[n++] = p->overlays[i].bind_unit;
	}
	for (size_t i = 0; i < s->observed.n_storages; i++)
		names[n++] = s->observed.storages[i].unit;
	for (size_t i = 0; i < p->n_persists; i++)
		names[n++] = p->persists[i].unit;
	return n;
}

static int ask_units(struct status *s)
{
	const struct plan *p = &s->loaded.plan;
	_cleanup_free_ const char **names = calloc(
		2 * p->n_overlays + s->observed.n_storages + p->n_persists + 1, sizeof(*names));
	char *text;
	int err;

	if (!names)
		return -ENOMEM;
	err = units_ask(names, list_units(s, names), &s->units);
	if (err >= 0 || err == -ENOMEM)
		return err < 0 ? err : 0;
	err = text_format(&text, "unit states: %s", strerror(-err));
	return err < 0 ? err : add_unseen(s, text);
}

static int add_unseen_journal(struct status *s, enum journal_view view)
{
	if (view == JOURNAL_DENIED)
		return add_unseen(s, strdup("reasons: only root and the group systemd-journal may "
					    "read the journal"));
	return add_unseen(s, strdup("reasons: there is no journal"));
}

static int find_reasons(struct status *s)
{
	int view = JOURNAL_SEEN;

	for (size_t i = 0; i < s->verdict.problems.n && view == JOURNAL_SEEN; i++) {
		struct problem *p = &s->verdict.problems.items[i];

		if (p->n_units > 0)
			view = reason_find(p, &p->reason);
	}
	if (view < 0)
		return view;
	return view == JOURNAL_SEEN ? 0 : add_unseen_journal(s, view);
}

static int find_drift(struct status *s)
{
	struct problems *l = &s->verdict.problems;
	struct problem differs = { .kind = PROBLEM_CONFIGURATION_DIFFERS },
		       changed = { .kind = PROBLEM_CONFIGURATION_CHANGED };
	int err = drift_find(&s->loaded, &s->drift);

	if (err < 0)
		return err;
	differs.path = s->drift.file;
	changed.unit = s->drift.unit;
	if (s->drift.file)
		problems_add(l, &differs);
	if (s->drift.unit)
		problems_add(l, &changed);
	return l->failed ? -ENOMEM : 0;
}

/* Another file system on the device, as a subvolume of btrfs, may have been written to. */
static bool is_shared(const struct observed *o, const struct observed_mount *root)
{
	for (size_t i = 0; i < o->n_mounts; i++) {
		const struct observed_mount *m = &o->mounts[i];

		if (!observed_is_read_only(m) && m->device_major == root->device_major &&
		    m->device_minor == root->device_minor)
			return true;
	}
	return false;
}

static int find_written(struct status *s)
{
	const struct observed_mount *root = observed_at(&s->observed, "/");
	struct problem p = { .kind = PROBLEM_ROOT_WRITTEN,
			     .path = "/",
			     .device = s->root.name,
			     .sectors = s->root.sectors_written };
	int err;

	/* Mounting an xfs writes to it in each boot, which nobody can prevent; and a commit is meant to. */
	if (p.sectors == 0 || !root || s->observed.transactions.has_written ||
	    strcmp(root->type, "xfs") == 0 || !observed_is_read_only(root) ||
	    is_shared(&s->observed, root))
		return 0;
	err = written_why(&s->loaded, s->root.name, root->type, &p.reason);
	if (err < 0)
		return err;
	problems_add(&s->verdict.problems, &p);
	return s->verdict.problems.failed ? -ENOMEM : 0;
}

static int look_at_devices(struct status *s)
{
	const struct plan *p = &s->loaded.plan;
	int err;

	err = device_read(s->dir, observed_at(&s->observed, "/"), &s->root);
	s->partitions = calloc(p->n_partitions + 1, sizeof(*s->partitions));
	if (err < 0 || !s->partitions)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_partitions && err >= 0; i++)
		if (p->partitions[i].conf)
			err = device_read(s->dir,
					  observed_mounted_at(&s->observed, p->partitions[i].where),
					  &s->partitions[i]);
	return err;
}

static bool has_units(const struct problems *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].n_units > 0)
			return true;
	return false;
}

/* What only the running system itself can be asked. */
static int ask_system(struct status *s)
{
	int err;

	if (s->loaded.blind &&
	    add_unseen(s, strdup("rofs.conf on the root file system: only root may read /rofs, so "
				 "rofs.conf in /etc is used instead")) < 0)
		return -ENOMEM;
	if (s->observed.root_devices.unknown && s->loaded.plan.device_read_only &&
	    add_unseen(s, strdup("the devices of /: only root may read /run/rofs")) < 0)
		return -ENOMEM;
	if (!has_units(&s->verdict.problems))
		return 0; /* nothing that a unit could explain */
	err = ask_units(s);
	return err < 0 ? err : find_reasons(s);
}

/* Only what is declared and should be in force is compared. */
static int judge(struct status *s)
{
	int err;

	if (s->off) {
		return verdict_maintenance(s->loaded.boot.mode == BOOT_MAINTENANCE &&
						   s->loaded.marks.next_is_marked,
					   &s->verdict);
	}

	err = verdict_build(&s->loaded.plan, &s->observed, &s->loaded.diag, &s->verdict);
	if (err >= 0 && s->loaded.conf.declared)
		err = find_drift(s);
	if (err >= 0 && s->loaded.conf.declared)
		err = find_written(s);
	return err < 0 || strcmp(s->dir, "/") != 0 ? err : ask_system(s);
}

/* rofs is not off if it was on when the boot began: the configuration has gone since. */
static void check_off(struct status *s)
{
	if (s->loaded.conf.declared || s->loaded.boot.mode != BOOT_NORMAL ||
	    !verdict_is_anything_mounted(&s->observed))
		return;
	free(s->off);
	s->off = NULL;
}

int status_collect(struct status *s)
{
	int err;

	err = load_plan(s->dir, &s->loaded);
	if (err >= 0)
		err = load_why_off(&s->loaded, &s->off);
	if (err >= 0)
		err = observe(s->dir, &s->loaded.plan, &s->observed);
	if (err >= 0)
		err = transactions_observe(&s->loaded.root, &s->observed.transactions);
	if (err < 0)
		return err;
	check_off(s);
	err = look_at_devices(s);
	return err < 0 ? err : judge(s);
}
