/* SPDX-License-Identifier: MIT */
#include "plan/plan-partition-units.h"

#include <string.h>

#include "basic/text.h"
#include "plan/late-unit.h"

/* It would wait for the partition, since what starts later waits for the local file systems. */
static int check_early(struct building *b, const struct conf_section *s, const char *key,
		       const struct plan_dependencies *d)
{
	const char *late = late_unit_of(b->plan.facts, d);

	if (!late)
		return 0;
	return diag_error(
		b->diag, conf_key_pos(s, key),
		"[Partition %s]: %s=%s: this unit starts after local-fs.target, which waits for the "
		"partition; expected a unit that starts earlier (a service with DefaultDependencies=no)",
		s->name, key, late);
}

/* The first of the units that mounts @dir, or something below it; *@ret is NULL when none does. */
static int find_mount(const struct plan_dependencies *d, const char *dir, const char **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < d->n; i++) {
		bool own;
		int err = dependencies_is_own(d->list[i].name, dir, &own);

		if (err < 0)
			return err;
		if (own)
			return *ret = d->list[i].name, 0;
	}
	return 0;
}

/* Only mounts can be the partition's own; without one, the sections need not be looked through. */
static bool has_mount(const struct plan_dependencies *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const char *type = strrchr(d->list[i].name, '.');

		if (type && (strcmp(type, ".mount") == 0 || strcmp(type, ".automount") == 0))
			return true;
	}
	return false;
}

static const char *partition_of(const struct conf *conf, const struct conf_section *s)
{
	return s->kind == CONF_OVERLAY ? conf->overlays[s->index]->partition :
					 conf->persists[s->index]->partition;
}

static int tell_itself(struct building *b, const struct conf_section *s, const char *key,
		       const char *unit, const struct conf_section *user)
{
	diag_error(
		b->diag, conf_key_pos(s, key),
		"[Partition %s]: %s=%s: this unit waits for the partition itself; expected a unit "
		"that does not need it",
		s->name, key, unit);
	if (user)
		diag_note(b->diag, user->pos, "[%s %s] uses the partition",
			  conf_kind_to_string(user->kind), user->name);
	return -EBADMSG;
}

/* A section counts even if it is left out: otherwise this error would not be told in the last round. */
static int check_not_itself(struct building *b, const struct conf_section *s, const char *key,
			    const struct plan_dependencies *d)
{
	_cleanup_free_ char *where = NULL;
	const char *unit;
	int err;

	if (!has_mount(d))
		return 0;
	err = text_format(&where, "/rofs/persist/%s", s->name);
	if (err >= 0)
		err = find_mount(d, where, &unit);
	if (err < 0 || unit)
		return err < 0 ? err : tell_itself(b, s, key, unit, NULL);
	for (size_t i = 0; i < b->n_claims; i++) {
		const struct claim *c = &b->claims[i];
		const char *used = partition_of(b->plan.conf, c->section);

		if (c->section->invalid || !used || !c->fact->resolved ||
		    strcmp(used, s->name) != 0)
			continue;
		err = find_mount(d, c->fact->resolved, &unit);
		if (err < 0 || unit)
			return err < 0 ? err : tell_itself(b, s, key, unit, c->section);
	}
	return 0;
}

static int add_key(struct building *b, const struct conf_section *s, const char *key,
		   enum dependency kind, const char *words, struct plan_dependencies *d)
{
	int err = dependencies_add_words(d, kind, words);

	if (err >= 0)
		err = check_early(b, s, key, d);
	return err < 0 ? err : check_not_itself(b, s, key, d);
}

int plan_partition_units(struct building *b, const struct conf_partition *c,
			 struct plan_dependencies *ret)
{
	int err = add_key(b, &c->section, "Requires", DEPENDENCY_REQUIRES, c->requires, ret);

	if (err >= 0)
		err = add_key(b, &c->section, "After", DEPENDENCY_AFTER, c->after, ret);
	return err < 0 ? err : dependencies_simplify(ret);
}
