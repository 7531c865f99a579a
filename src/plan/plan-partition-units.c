/* SPDX-License-Identifier: MIT */
#include "plan/plan-partition-units.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/late-unit.h"
#include "plan/unit-name.h"

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

/* struct named_unit - what is looked at: a unit, and the [Partition] and key that name it */
struct named_unit {
	const struct conf_section *section;
	const char *key, *unit;
	bool *itself; /* gets whether it waits for this [Partition], which is all then; or NULL */
};

/* It waits for this partition. @user: the section that does the mount; NULL: it is the partition's own. */
static int add_wait(struct building *b, const struct named_unit *n, const char *partition,
		    const struct conf_section *user)
{
	const struct conf_section *to = conf_find(b->plan.conf, CONF_PARTITION, partition);
	struct partition_wait *w;

	if (n->itself)
		return *n->itself |= to == n->section, 0;
	if (to == n->section)
		return tell_itself(b, n->section, n->key, n->unit, user);
	if (!to)
		return 0;
	if (array_reserve(b->waits, b->n_waits) < 0)
		return -ENOMEM;
	w = &b->waits[b->n_waits];
	*w = (struct partition_wait){ n->section->index, to->index, n->key, strdup(n->unit) };
	return w->unit ? b->n_waits++, 0 : -ENOMEM;
}

/* A section counts even if it is left out: otherwise the last round would not report this error. */
static int add_waits_of_path(struct building *b, const struct named_unit *n, const char *path)
{
	static const char partitions[] = "/rofs/persist/";
	size_t same;
	const struct claim *c = claims_on(b->claims, b->n_claims, path, &same);
	int err = 0;

	for (size_t i = 0; i < same && err >= 0; i++) {
		const char *used = partition_of(b->plan.conf, c[i].section);

		if (!c[i].section->invalid && used)
			err = add_wait(b, n, used, c[i].section);
	}
	if (err >= 0 && strncmp(path, partitions, strlen(partitions)) == 0)
		err = add_wait(b, n, path + strlen(partitions), NULL);
	return err;
}

/* A mount waits for those above it. */
static int add_waits_of_mount(struct building *b, const struct named_unit *n, const char *mount)
{
	static const char overlays[] = "/rofs/overlay";
	_cleanup_free_ char *path = NULL;
	int err = unit_name_to_path(mount, &path);

	/* From there, each is bound to its path. */
	if (err >= 0 && path && path_is_below(path, overlays))
		memmove(path, path + strlen(overlays), strlen(path + strlen(overlays)) + 1);
	while (err >= 0 && path && *path) {
		err = add_waits_of_path(b, n, path);
		*strrchr(path, '/') = '\0';
	}
	return err;
}

/* The services of rofs that wait for a partition; each has the name of a mount that does. */
static int add_waits_of_service(struct building *b, const struct named_unit *n)
{
	static const struct {
		const char *service, *mount;
	} names[] = {
		{ "rofs-prepare-persist-", "rofs-persist-" },
		{ "rofs-prepare-fallback-", "" },
		{ "rofs-grow-", "rofs-persist-" },
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *mount = NULL;
		const char *rest = n->unit + strlen(names[i].service);

		if (strncmp(n->unit, names[i].service, strlen(names[i].service)) != 0)
			continue;
		if (text_format(&mount, "%s%.*s.mount", names[i].mount,
				(int)(strrchr(rest, '.') - rest), rest) < 0)
			return -ENOMEM;
		return add_waits_of_mount(b, n, mount);
	}
	return 0;
}

static int compare(const void *unit, const void *wait)
{
	return strcmp(unit, ((const struct unit_wait *)wait)->unit);
}

/* What its files say. */
static int add_waits_of_unit(struct building *b, const struct named_unit *n)
{
	const struct facts *f = b->plan.facts;
	const struct unit_wait *w = f->n_waits > 0 ? bsearch(n->unit, f->waits, f->n_waits,
							     sizeof(*f->waits), compare) :
						     NULL;
	int err = add_waits_of_mount(b, n, n->unit);

	if (err >= 0)
		err = add_waits_of_service(b, n);
	while (w && w > f->waits && compare(n->unit, w - 1) == 0)
		w--;
	for (; w && w < f->waits + f->n_waits && compare(n->unit, w) == 0 && err >= 0; w++)
		err = add_waits_of_mount(b, n, w->mount);
	return err;
}

int plan_unit_waits_for_partition(struct building *b, const char *unit,
				  const struct conf_section *partition, bool *ret)
{
	const struct named_unit n = { partition, NULL, unit, ret };

	*ret = false;
	return add_waits_of_unit(b, &n);
}

static int add_waits(struct building *b, const struct conf_section *s, const char *key,
		     const char *words)
{
	_cleanup_dependencies_ struct plan_dependencies d = { 0 };
	int err = dependencies_add_words(&d, DEPENDENCY_AFTER, words);

	for (size_t i = 0; i < d.n && err >= 0; i++) {
		const struct named_unit n = { s, key, d.list[i].name, NULL };

		err = add_waits_of_unit(b, &n);
	}
	return err;
}

static int add_key(struct building *b, const struct conf_section *s, const char *key,
		   enum dependency kind, const char *words, struct plan_dependencies *d)
{
	int err = dependencies_add_words(d, kind, words);

	if (err >= 0)
		err = check_early(b, s, key, d);
	return err < 0 ? err : add_waits(b, s, key, words);
}

int plan_partition_units(struct building *b, const struct conf_partition *c,
			 struct plan_dependencies *ret)
{
	int err = add_key(b, &c->section, "Requires", DEPENDENCY_REQUIRES, c->requires, ret);

	if (err >= 0)
		err = add_key(b, &c->section, "After", DEPENDENCY_AFTER, c->after, ret);
	return err < 0 ? err : dependencies_simplify(ret);
}
