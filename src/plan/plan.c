/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include <assert.h>
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "plan/partition-directories.h"
#include "plan/plan-internal.h"
#include "plan/unit-name.h"

void plan_lower_done(struct plan_lower *l)
{
	free(l->what);
	free(l->where);
	free(l->unit);
	free(l->device_path);
	free(l->fsck_unit);
	free(l->device_unit);
	free(l->options);
	*l = (struct plan_lower){ 0 };
}

void plan_overlay_done(struct plan_overlay *o)
{
	free(o->path);
	free(o->lower);
	free(o->layers);
	free(o->merged);
	free(o->merged_unit);
	free(o->bind_unit);
	*o = (struct plan_overlay){ 0 };
}

void plan_partition_done(struct plan_partition *p)
{
	free(p->where);
	free(p->unit);
	free(p->device_path);
	free(p->device_unit);
	free(p->fsck_unit);
	free(p->format_unit);
	free(p->format_dir);
	free(p->grow_unit);
	*p = (struct plan_partition){ 0 };
}

void plan_persist_done(struct plan_persist *p)
{
	free(p->path);
	free(p->lower);
	free(p->what);
	free(p->unit);
	*p = (struct plan_persist){ 0 };
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		free(p->pools[i].dir);
		free(p->pools[i].unit);
	}
	for (size_t i = 0; i < p->n_prepares; i++) {
		free(p->prepares[i].dir);
		free(p->prepares[i].unit);
		free(p->prepares[i].guard_in);
	}
	for (size_t i = 0; i < p->n_lowers; i++)
		plan_lower_done(&p->lowers[i]);
	for (size_t i = 0; i < p->n_overlays; i++)
		plan_overlay_done(&p->overlays[i]);
	for (size_t i = 0; i < p->n_partitions; i++)
		plan_partition_done(&p->partitions[i]);
	for (size_t i = 0; i < p->n_persists; i++)
		plan_persist_done(&p->persists[i]);
	for (size_t i = 0; i < p->n_fstab_duplicates; i++)
		free(p->fstab_duplicates[i].unit);
	for (size_t i = 0; i < p->n_remounts; i++)
		free(p->remounts[i].options);
	for (size_t i = 0; i < p->n_swaps; i++)
		free(p->swaps[i]);
	for (size_t i = 0; i < p->n_masks; i++)
		free(p->masks[i]);
	free(p->pools);
	free(p->prepares);
	free(p->lowers);
	free(p->overlays);
	free(p->partitions);
	free(p->persists);
	free(p->fstab_duplicates);
	free(p->remounts);
	free(p->swaps);
	free(p->masks);
	free(p->overlay_options);
	*p = (struct plan){ 0 };
}

bool plan_overlay_is_required(const struct plan_overlay *o)
{
	return o->on_partition && o->conf->if_missing == IF_MISSING_EMERGENCY;
}

bool plan_persist_is_required(const struct plan_persist *p)
{
	return p->conf->if_missing == IF_MISSING_EMERGENCY;
}

static int name_too_long(struct building *b, const struct conf_section *s, const char *path)
{
	return diag_error(
		b->diag, s->pos,
		"[%s %s]: the unit name of %s would be longer than %u bytes, which systemd "
		"does not take",
		conf_kind_to_string(s->kind), s->name, path, UNIT_NAME_BYTES_MAX);
}

int plan_name_unit(struct building *b, const struct conf_section *s, const char *path,
		   const char *suffix, char **ret)
{
	int err = unit_name_from_path(path, suffix, ret);

	return err == -ENAMETOOLONG ? name_too_long(b, s, path) : err;
}

int plan_name_device(struct building *b, const struct conf_section *s, const char *path, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err;

	/*
	 * The directory of its drop-ins has two letters more, and may not be longer than a unit
	 * name either.
	 */
	err = plan_name_unit(b, s, path, ".device.d", &name);
	if (err < 0)
		return err;

	name[strlen(name) - strlen(".d")] = '\0';
	*ret = TAKE_PTR(name);
	return 0;
}

int plan_name_fsck(struct building *b, const struct conf_section *s, const char *path, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err;

	/* The directory of its drop-ins: as with a device. */
	err = unit_name_instance("systemd-fsck", path, &name);
	if (err >= 0 && strlen(name) + strlen(".d") > UNIT_NAME_BYTES_MAX)
		err = -ENAMETOOLONG;
	if (err < 0)
		return err == -ENAMETOOLONG ? name_too_long(b, s, path) : err;

	*ret = TAKE_PTR(name);
	return 0;
}

/*
 * The service of one rofs-prepare run is named after its directory: /rofs/rw/srv ->
 * rofs-prepare-rw-srv.service
 */
int plan_add_prepare(struct building *b, const struct conf_section *s, const char *dir, size_t *ret)
{
	struct plan *p = &b->plan;
	_cleanup_free_ char *path = NULL;
	struct plan_prepare prepare = {
		.first_overlay = NO_INDEX,
		.last_overlay = NO_INDEX,
		.pos = s->pos,
	};
	int err;

	assert(path_is_at_or_below(dir, "/rofs"));
	err = text_format(&path, "/rofs/prepare%s", dir + strlen("/rofs"));
	if (err < 0)
		return err;
	err = array_reserve(p->prepares, p->n_prepares);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, path, ".service", &prepare.unit);
	if (err < 0)
		return err;
	prepare.dir = strdup(dir);
	if (!prepare.dir) {
		free(prepare.unit);
		return -ENOMEM;
	}

	*ret = p->n_prepares;
	p->prepares[p->n_prepares++] = prepare;
	return 0;
}

int plan_early_mounts(struct building *b, const struct conf_section *s, size_t *ret)
{
	int err;

	if (b->plan.early_mounts == NO_INDEX) {
		err = plan_add_prepare(b, s, "/rofs", &b->plan.early_mounts);
		if (err < 0)
			return err;
		b->plan.pools[0].early = true;
	}

	*ret = b->plan.early_mounts;
	return 0;
}

int plan_add_pool(struct building *b, const struct conf_section *s, const char *dir,
		  const struct plan_pool *wanted)
{
	struct plan *p = &b->plan;
	struct plan_pool pool = *wanted;
	int err;

	err = array_reserve(p->pools, p->n_pools);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, dir, ".mount", &pool.unit);
	if (err < 0)
		return err;
	pool.dir = strdup(dir);
	if (!pool.dir) {
		free(pool.unit);
		return -ENOMEM;
	}

	p->pools[p->n_pools++] = pool;
	return 0;
}

/*
 * The shared pool also carries the mount points of everything else below /rofs, so it comes first.
 */
static int plan_shared_pool(struct building *b)
{
	const struct conf_memory *m = &b->plan.conf->memory;
	struct plan_pool pool = {
		.shared = true, .size = m->size, .inodes = m->inodes, .pos = m->section.pos
	};

	/* A [Memory] section with a mistake is left out: its defaults are in force. */
	if (m->section.invalid) {
		pool.size = (struct size){ .percent = 50 };
		pool.inodes = 0;
	}
	if (b->n_claims == 0)
		return 0;
	return plan_add_pool(b, &m->section, "/rofs", &pool);
}

static void check_rofs(struct building *b)
{
	if (b->n_claims > 0 && !b->plan.facts->rofs_exists)
		diag_error(
			b->diag, (struct pos){ 0 },
			"/rofs is not a directory of the root file system; create it there: mkdir -m 0700 /rofs");
}

static int plan_overlay_options(struct building *b)
{
	/*
	 * Kernel version that first knows the option; all four off allow the lower to be changed
	 * while nothing is mounted.
	 */
	static const struct {
		const char *option;
		unsigned major, minor;
	} options[] = {
		{ "index=off", 4, 13 },
		{ "metacopy=off", 4, 19 },
		{ "redirect_dir=off", 4, 10 },
		{ "xino=off", 4, 17 },
	};
	const struct facts *f = b->plan.facts;
	_cleanup_strbuf_ struct strbuf s = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(options); i++) {
		bool known = f->kernel_major == 0 || f->kernel_major > options[i].major ||
			     (f->kernel_major == options[i].major &&
			      f->kernel_minor >= options[i].minor);

		if (!known)
			continue;
		if (s.len)
			strbuf_add_char(&s, ',');
		strbuf_add(&s, options[i].option);
	}
	return strbuf_take(&s, &b->plan.overlay_options);
}

static int build(struct building *b)
{
	int err;

	err = claims_build(b->plan.conf, b->plan.facts, b->diag, &b->claims, &b->n_claims);
	if (err < 0)
		return err;
	err = partition_directories_check(b->claims, b->n_claims, b->diag);
	if (err < 0)
		return err;
	err = fstab_index_build(b->plan.facts, &b->fstab);
	if (err < 0)
		return err;

	b->lower_done = calloc(b->plan.facts->n_fstab + 1, sizeof(*b->lower_done));
	if (!b->lower_done)
		return -ENOMEM;

	check_rofs(b);
	err = plan_overlay_options(b);
	if (err < 0)
		return err;
	err = plan_shared_pool(b);
	if (err < 0)
		return err;
	err = plan_partitions(b);
	if (err < 0)
		return err;
	err = plan_overlays(b);
	if (err < 0)
		return err;
	err = plan_persists(b);
	if (err < 0)
		return err;
	err = plan_root(b);
	if (err < 0)
		return err;
	return plan_masks(b);
}

int plan_build(const struct conf *conf, const struct facts *facts, struct diag *d, struct plan *ret)
{
	struct building b = {
		.plan = { .conf = conf, .facts = facts, .early_mounts = NO_INDEX },
		.diag = d,
	};
	int err;

	assert(facts->n_overlays == conf->n_overlays);
	assert(facts->n_persists == conf->n_persists);

	err = build(&b);
	free(b.claims);
	free(b.lower_done);
	fstab_index_done(&b.fstab);
	if (err < 0) {
		plan_done(&b.plan);
		return err;
	}

	*ret = b.plan;
	return 0;
}
