/* SPDX-License-Identifier: MIT */
/* Each comparison says what kind of problem there is, if any, and fills in what it is about. */
#include "verdict/verdict.h"

#include <string.h>

#include "basic/path.h"
#include "plan/fstab.h"

struct comparing {
	const struct plan *plan;
	const struct observed *observed;
	struct verdict verdict;
};

void verdict_done(struct verdict *v)
{
	problems_done(&v->problems);
	free(v->overlays);
	free(v->persists);
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

static void add(struct comparing *c, const struct problem *p)
{
	problems_add(&c->verdict.problems, p);
}

static void compare_configuration(struct comparing *c, const struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		struct problem p = problem_of_entry(&d->entries[i]);

		if (d->entries[i].level == DIAG_ERROR)
			add(c, &p);
	}
}

/* Another mount through which this file system can be written. */
static const struct observed_mount *find_writable(const struct observed *s,
						  const struct observed_mount *m)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!s->mounts[i].read_only && observed_same_fs(&s->mounts[i], m))
			return &s->mounts[i];
	return NULL;
}

static void compare_read_only(struct comparing *c, const char *path)
{
	const struct observed_mount *m = observed_at(c->observed, path), *other;
	struct problem p = { .path = path, .unit = "systemd-remount-fs.service" };

	if (!m || m->fs_read_only)
		return;
	other = find_writable(c->observed, m);
	if (!m->read_only) {
		p.kind = PROBLEM_ROOT_WRITABLE;
		problem_add_unit(&p, p.unit);
	} else if (other) {
		p.kind = PROBLEM_ROOT_WRITABLE_MOUNT;
		p.place = other->target;
	} else {
		p.kind = PROBLEM_ROOT_WRITABLE_SUPERBLOCK;
	}
	add(c, &p);
}

static const struct plan_overlay *find_overlay(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (strcmp(p->overlays[i].path, path) == 0)
			return &p->overlays[i];
	return NULL;
}

static void compare_root(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_remounts; i++) {
		const struct plan_remount *r = &c->plan->remounts[i];
		const char *dir = r->entry ? r->entry->dir : "/";

		/* An overlay on /usr is meant to be writable; its lower is compared elsewhere. */
		if (r->options && !find_overlay(c->plan, dir))
			compare_read_only(c, dir);
	}
}

static void compare_lower_root(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, "/rofs/ro");
	struct problem p = { .path = "/rofs/ro", .unit = "rofs-ro.mount" };

	if (c->plan->n_pools == 0 || (m && observed_is_read_only(m)))
		return;
	p.kind = m ? PROBLEM_LOWER_WRITABLE : PROBLEM_LOWER_ROOT_MISSING;
	if (!m)
		problem_add_unit(&p, p.unit);
	add(c, &p);
}

static void compare_lower(struct comparing *c, const struct plan_lower *l)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, l->where);
	struct problem p = {
		.kind = m ? PROBLEM_LOWER_WRITABLE : PROBLEM_LOWER_MISSING,
		.path = l->where,
		.unit = l->unit,
		.device = l->entry->spec,
		.place = l->entry->dir,
	};

	if (m && observed_is_read_only(m))
		return;
	problem_add_unit(&p, l->device_unit);
	problem_add_unit(&p, l->fsck_unit);
	problem_add_unit(&p, l->unit);
	add(c, &p);
}

/* The overlay mounted on @path, if it is in force and keeps its changes on a partition. */
static const struct plan_overlay *find_kept(const struct comparing *c, const char *path)
{
	const struct plan_overlay *o = find_overlay(c->plan, path);

	return o && o->on_partition && c->verdict.overlays[o - c->plan->overlays] ? o : NULL;
}

/* What happens to writes to @path, where something declared is missing. */
static struct fate fate_of(const struct comparing *c, const char *path)
{
	const struct observed_mount *m = observed_at(c->observed, path);
	const struct plan_overlay *kept = m ? find_kept(c, m->target) : NULL;

	if (!m || observed_is_read_only(m))
		return (struct fate){ .kind = FATE_FAIL };
	if (kept)
		return (struct fate){ .kind = FATE_PARTITION,
				      .partition = pool_name(kept),
				      .with = kept->path };
	if (observed_is_volatile(m))
		return (struct fate){ .kind = FATE_RAM,
				      .with = strcmp(m->target, path) != 0 ? m->target : NULL };
	return (struct fate){ .kind = FATE_DEVICE, .device = m->source };
}

/* What is mounted on @path, or above it, as what the sentence names. */
static void add_covering(const struct comparing *c, struct problem *p)
{
	const struct observed_mount *m = observed_at(c->observed, p->path);

	p->device = m->source;
	p->type = m->type;
	p->place = m->target;
}

static bool has_mount(const struct observed *s, const char *path, const struct observed_mount *of)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].target, path) == 0 && observed_same_fs(&s->mounts[i], of))
			return true;
	return false;
}

static void add_partition(const struct comparing *c, struct problem *p, size_t partition)
{
	const struct conf_partition *conf = c->plan->partitions[partition].conf;

	p->partition = conf->section.name;
	p->device = conf->device;
}

/* What can say why a partition is not mounted. */
static void add_partition_units(const struct comparing *c, struct problem *p, size_t partition)
{
	const struct plan_partition *q = &c->plan->partitions[partition];

	if (observed_mounted_at(c->observed, q->where))
		return;
	problem_add_unit(p, q->device_unit);
	problem_add_unit(p, q->format_unit);
	problem_add_unit(p, q->fsck_unit);
	problem_add_unit(p, q->unit);
}

/* The overlay is at its path; can it be written to? */
static enum problem_kind classify_bound(const struct plan_overlay *o,
					const struct observed_mount *at,
					const struct observed_mount *merged)
{
	bool meant = o->conf->options && fstab_has_option(o->conf->options, "ro");

	if (!meant && observed_is_read_only(at))
		return PROBLEM_OVERLAY_READ_ONLY;
	return merged ? PROBLEM_NONE : PROBLEM_OVERLAY_SOURCE_UNMOUNTED;
}

static enum problem_kind classify_overlay(const struct comparing *c, const struct plan_overlay *o)
{
	const struct observed_mount *merged = observed_mounted_at(c->observed, o->merged),
				    *at = observed_mounted_at(c->observed, o->path);

	/* Without the partition, its replacement at the path may be an overlay of ours too. */
	if (!merged && o->on_partition &&
	    (o->fallback != SIZE_MAX || !at || !observed_is_overlay(at)))
		return PROBLEM_OVERLAY_NOT_KEPT;
	if (at && observed_is_overlay(at) && (!merged || observed_same_fs(at, merged)))
		return classify_bound(o, at, merged);
	if (merged && has_mount(c->observed, o->path, merged))
		return PROBLEM_OVERLAY_COVERED;
	return PROBLEM_OVERLAY_MISSING;
}

/* The cause before what follows from it. */
static void add_overlay_units(const struct comparing *c, struct problem *p,
			      const struct plan_overlay *o)
{
	const struct plan_run *runs = c->plan->runs;

	if (o->on_partition && p->kind != PROBLEM_OVERLAY_SOURCE_UNMOUNTED)
		add_partition_units(c, p, o->partition);
	if (!observed_mounted_at(c->observed, o->merged))
		problem_add_unit(p, o->merged_unit);
	if (p->kind == PROBLEM_OVERLAY_NOT_KEPT && o->fallback != SIZE_MAX)
		problem_add_unit(p, runs[o->fallback].unit);
	if (p->kind != PROBLEM_OVERLAY_SOURCE_UNMOUNTED)
		problem_add_unit(p, o->bind_unit);
	if (p->kind == PROBLEM_OVERLAY_MISSING)
		problem_add_unit(p, runs[o->prepare].unit);
}

static bool compare_overlay(struct comparing *c, const struct plan_overlay *o)
{
	struct problem p = {
		.kind = classify_overlay(c, o),
		.path = o->path,
		.unit = o->merged_unit,
		.place = o->merged,
	};

	if (p.kind == PROBLEM_NONE)
		return true;
	p.fate = fate_of(c, o->path);
	if (o->on_partition)
		add_partition(c, &p, o->partition);
	if (p.kind == PROBLEM_OVERLAY_COVERED)
		add_covering(c, &p);
	else if (p.kind != PROBLEM_OVERLAY_READ_ONLY)
		add_overlay_units(c, &p, o);
	add(c, &p);
	return p.kind == PROBLEM_OVERLAY_SOURCE_UNMOUNTED;
}

static enum problem_kind classify_persist(const struct comparing *c, const struct plan_persist *q)
{
	const char *where = c->plan->partitions[q->partition].where;
	const struct observed_mount *from = observed_mounted_at(c->observed, where),
				    *at = observed_mounted_at(c->observed, q->path);

	if (at && from && observed_same_fs(at, from))
		return PROBLEM_NONE;
	if (at && !from && at->major != 0)
		return PROBLEM_NONE; /* it is a problem of the partition */
	return from && has_mount(c->observed, q->path, from) ? PROBLEM_PERSIST_COVERED :
							       PROBLEM_PERSIST_MISSING;
}

static bool compare_persist(struct comparing *c, const struct plan_persist *q)
{
	struct problem p = {
		.kind = classify_persist(c, q),
		.path = q->path,
		.unit = q->unit,
	};

	if (p.kind == PROBLEM_NONE)
		return true;
	p.fate = fate_of(c, q->path);
	add_partition(c, &p, q->partition);
	add_partition_units(c, &p, q->partition);
	if (p.kind == PROBLEM_PERSIST_COVERED)
		add_covering(c, &p);
	else
		problem_add_unit(&p, q->unit);
	add(c, &p);
	return false;
}

static bool is_used_in_force(const struct comparing *c, size_t partition)
{
	for (size_t i = 0; i < c->plan->n_persists; i++)
		if (c->plan->persists[i].partition == partition && c->verdict.persists[i])
			return true;
	return false;
}

static void compare_partition(struct comparing *c, size_t i)
{
	const struct plan_partition *q = &c->plan->partitions[i];
	const struct observed_mount *m = observed_mounted_at(c->observed, q->where);
	struct problem p = {
		.path = q->where,
		.partition = q->conf->section.name,
		.unit = q->unit,
		.device = m ? m->source : NULL,
	};

	/* What is missing with it is a problem already, of its path. */
	if (!m && is_used_in_force(c, i)) {
		p.kind = PROBLEM_PARTITION_UNMOUNTED;
		problem_add_unit(&p, q->unit);
		add(c, &p);
	}
	if (m && observed_is_read_only(m) && !fstab_has_option(q->conf->options, "ro")) {
		p.kind = PROBLEM_PARTITION_READ_ONLY;
		add(c, &p);
	}
}

static void compare_tmp(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, "/tmp");
	struct problem p = { .kind = PROBLEM_TMP_MISSING, .path = "/tmp", .unit = "tmp.mount" };

	if (!c->plan->tmp || (m && !observed_is_read_only(m)))
		return;
	p.fate = fate_of(c, "/tmp");
	problem_add_unit(&p, p.unit);
	add(c, &p);
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

		add(c, &p);
	}
}

static void compare_usage(struct comparing *c, const struct storage *v)
{
	const struct problem space = problem_of_storage(PROBLEM_SPACE_LOW, v),
			     inodes = problem_of_storage(PROBLEM_INODES_LOW, v);

	if (!v->usage.known)
		return;
	if (usage_level(usage_percent(&v->usage)))
		add(c, &space);
	if (usage_level(usage_inodes_percent(&v->usage)))
		add(c, &inodes);
}

/* Is anything of ours mounted at all? */
static bool is_anything_in_force(const struct comparing *c)
{
	if (c->plan->n_pools == 0)
		return true; /* nothing of ours would be */
	for (size_t i = 0; i < c->observed->n_mounts; i++)
		if (path_is_at_or_below(c->observed->mounts[i].target, "/rofs"))
			return true;
	return false;
}

static void add_nothing(struct comparing *c)
{
	const struct observed_mount *root = observed_at(c->observed, "/");
	const struct problem p = { .kind = PROBLEM_NOTHING_MOUNTED,
				   .place = root && !observed_is_read_only(root) ? "/" : NULL };

	add(c, &p);
}

static void compare_all(struct comparing *c)
{
	const struct plan *p = c->plan;

	if (!is_anything_in_force(c)) {
		add_nothing(c);
		return;
	}
	compare_root(c);
	compare_lower_root(c);
	for (size_t i = 0; i < p->n_lowers; i++)
		compare_lower(c, &p->lowers[i]);
	for (size_t i = 0; i < p->n_overlays; i++)
		c->verdict.overlays[i] = compare_overlay(c, &p->overlays[i]);
	for (size_t i = 0; i < p->n_persists; i++)
		c->verdict.persists[i] = compare_persist(c, &p->persists[i]);
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf)
			compare_partition(c, i);
	compare_tmp(c);
	compare_swap(c);
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
	if (v->overlays && v->persists) {
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
