/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "plan/fstab.h"
#include "verdict/comparing.h"
#include "verdict/declared.h"

/* A persist in question, and what is found of it. */
struct compared {
	const struct plan_persist *persist;
	const struct plan_partition *partition;
	const struct observed_mount *from, *at; /* the partition and the path; NULL: not mounted */
};

static bool is_on_partition(const struct comparing *c, const struct compared *x)
{
	const struct observed_device *d =
		c->observed->partitions ? &c->observed->partitions[x->persist->partition] : NULL;

	if (d && d->state == DEVICE_PRESENT)
		return observed_is_on_device(x->at, d);
	if (x->from)
		return observed_same_fs(x->at, x->from);
	/* If it is not mounted, that is a problem of the partition. */
	return x->at->major != 0 && (!d || d->state == DEVICE_UNKNOWN);
}

/* The directory on the partition, "/" for all of it. */
static const char *directory_of(const struct compared *x)
{
	const char *directory = x->persist->what + strlen(x->partition->where);

	return *directory ? directory : "/";
}

static bool shows_directory(const struct compared *x)
{
	/* Of a btrfs, which subvolume the partition was is not known then. */
	if (!x->from && strcmp(x->at->type, "btrfs") == 0)
		return true;
	return declared_shows(x->at, x->from && observed_same_fs(x->at, x->from) ? x->from : NULL,
			      directory_of(x));
}

static enum problem_kind classify_persist(const struct comparing *c, const struct compared *x)
{
	if (!x->at || !is_on_partition(c, x))
		return x->from && comparing_has_mount(c->observed, x->persist->path, x->from) ?
			       PROBLEM_PERSIST_COVERED :
			       PROBLEM_PERSIST_MISSING;
	if (!shows_directory(x))
		return PROBLEM_PERSIST_WRONG_DIRECTORY;
	/* If it is mounted, a whole file system that is read-only is a problem of the partition. */
	if ((x->from ? x->at->read_only : observed_is_read_only(x->at)) &&
	    !fstab_has_option(x->partition->conf->options, "ro"))
		return PROBLEM_PERSIST_READ_ONLY;
	return PROBLEM_NONE;
}

static void add_problem(struct comparing *c, const struct compared *x, enum problem_kind kind)
{
	const struct plan_persist *q = x->persist;
	struct problem p = {
		.kind = kind,
		.path = q->path,
		.unit = q->unit,
		.fate = comparing_fate(c, q->path),
		.declared = directory_of(x),
		.directory = x->at ? x->at->root : NULL,
	};

	comparing_set_partition(c, &p, q->partition);
	comparing_add_partition_units(c, &p, q->partition);
	if (kind == PROBLEM_PERSIST_COVERED)
		comparing_set_covering(c, &p);
	if (kind == PROBLEM_PERSIST_MISSING)
		problem_add_unit(&p, q->unit);
	comparing_add(c, &p);
}

static bool compare_persist(struct comparing *c, const struct plan_persist *q)
{
	const struct plan_partition *partition = &c->plan->partitions[q->partition];
	const struct compared x = { .persist = q,
				    .partition = partition,
				    .from = observed_mounted_at(c->observed, partition->where),
				    .at = observed_mounted_at(c->observed, q->path) };
	enum problem_kind kind = classify_persist(c, &x);

	if (kind != PROBLEM_NONE) {
		add_problem(c, &x, kind);
		return false;
	}
	/* Without flags of its own, a bind has those of what it is bound from. */
	return comparing_flags(c, x.at, q->from_fstab ? q->options : partition->conf->options,
			       q->unit) &&
	       (!x.from || comparing_partition_in_force(c, q->partition));
}

void compare_persists(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_persists; i++)
		c->verdict.persists[i] = compare_persist(c, &c->plan->persists[i]);
}
