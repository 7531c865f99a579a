/* SPDX-License-Identifier: MIT */
/* The overlays, and what they need in RAM or on a partition. */
#include "plan/plan-overlay.h"

#include <string.h>

#include "basic/path.h"
#include "plan/plan-lower.h"
#include "plan/plan-names.h"
#include "plan/plan-partition.h"
#include "plan/plan-pool.h"
#include "plan/plan-runs.h"
#include "plan/unit-name.h"

/* Where the lower of an overlay comes from, when fstab mounts something at its path or above. */
static int find_lower(struct building *b, struct plan_overlay *o)
{
	const struct fstab_entry *e = fstab_at_or_above(&b->fstab, o->path);
	int err;

	err = text_format(&o->lower, "/rofs/ro%s", o->path);
	if (err < 0)
		return err;
	o->lower_is_root = !e;
	return e ? plan_lower_of(b, &o->conf->section, e) : 0;
}

/*
 * Who prepares an overlay in RAM. A lower on a device of its own is ready late: the others must not
 * wait for it.
 */
static int prepare_in_ram(struct building *b, struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;

	o->early = o->lower_is_root;
	if (o->early)
		return plan_early_mounts(b, s, &o->prepare);
	return plan_add_prepare(b, s, o->layers, &o->prepare);
}

static int place_in_ram(struct building *b, struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;
	struct plan_pool own = { .size = o->conf->size, .pos = s->pos };
	int err;

	err = text_format(&o->layers, PLAN_RAM_LAYERS_DIR "%s", o->path);
	if (err < 0)
		return err;
	/* First, since its name may be the longer one: an overlay without it needs no pool. */
	err = prepare_in_ram(b, o);
	if (err < 0)
		return err;

	own.early = o->early;
	if (own.size.bytes || own.size.percent)
		return plan_add_pool(b, s, o->layers, &own);
	return 0;
}

/*
 * What is bound to the path, when it is not always the merged mount. Where the lower is the root
 * itself, the plain lower is what is there when nothing is mounted.
 */
static int plan_fallback(struct building *b, struct plan_overlay *o)
{
	enum if_missing m = o->conf->if_missing;
	_cleanup_free_ char *dir = NULL;
	int err;

	if (m == IF_MISSING_EMERGENCY || (m == IF_MISSING_READ_ONLY && o->lower_is_root))
		return 0;
	err = text_format(&dir, "/rofs/fallback%s", o->path);
	if (err < 0)
		return err;
	err = plan_add_prepare(b, &o->conf->section, dir, &o->fallback);
	if (err >= 0)
		b->plan.prepares[o->fallback].fallback = true;
	return err;
}

static int place_on_partition(struct building *b, struct plan_overlay *o)
{
	const struct conf_overlay *c = o->conf;
	_cleanup_free_ char *fallback = NULL;
	int err;

	err = plan_find_partition(b, &c->section, c->partition,
				  conf_key_pos(&c->section, "Partition"), &o->partition);
	if (err < 0)
		return err;
	err = text_format(&fallback, "/overlay%s", o->path);
	if (err < 0)
		return err;
	err = text_format(&o->layers, "%s%s", b->plan.partitions[o->partition].where,
			  c->directory ? c->directory : fallback);
	if (err < 0)
		return err;

	if (!conf_is_layer_path(o->layers))
		return diag_error(
			b->diag, conf_key_pos(&c->section, "Directory"),
			"[Overlay %s]: %s cannot hold its layers: none of , : \\ \" %% ' or "
			"blanks, and at most %u bytes",
			c->section.name, o->layers, CONF_LAYER_BYTES_MAX);

	o->on_partition = true;
	err = plan_partition_prepare(b, &c->section, o->partition, &o->prepare);
	if (err < 0)
		return err;
	err = plan_fallback(b, o);
	if (err < 0)
		return err;
	plan_use_partition(b, o->partition);
	return 0;
}

/* The partition that is declared for the device of a line of fstab. By another name it is not seen. */
static int find_declared(struct building *b, const struct fstab_entry *e,
			 const struct conf_partition **ret)
{
	const struct conf *conf = b->plan.conf;
	_cleanup_free_ char *device = NULL;
	int err = unit_name_device_path(e->spec, &device);

	*ret = NULL;
	if (err < 0)
		return err == -EINVAL ? 0 : err;
	for (size_t i = 0; i < conf->n_partitions && !*ret; i++) {
		const struct conf_partition *p = conf->partitions[i];
		_cleanup_free_ char *path = NULL;

		if (p->section.invalid)
			continue;
		err = unit_name_device_path(p->device, &path);
		if (err == -ENOMEM)
			return err;
		if (err >= 0 && strcmp(path, device) == 0)
			*ret = p;
	}
	return 0;
}

/* Of one file system, one mount would be read-only and the other not: the kernel refuses that. */
static int check_lower_is_no_partition(struct building *b, const struct conf_section *s,
				       const struct fstab_entry *e)
{
	const struct conf_partition *p;
	int err = find_declared(b, e, &p);

	if (err < 0 || !p)
		return err;
	return diag_error(
		b->diag, s->pos,
		"[Overlay %s]: fstab mounts the device of [Partition %s] there, which cannot be the "
		"untouched lower and be written to as well; expected a [Persist %s], or no such "
		"line in fstab",
		s->name, p->section.name, s->name);
}

static int check_overlay(struct building *b, const struct claim *c, const struct conf_overlay *o)
{
	const struct conf_section *s = &o->section;
	const struct fstab_entry *e;

	if (o->partition && (o->size.bytes || o->size.percent))
		return diag_error(
			b->diag, conf_key_pos(s, "Size"),
			"[Overlay %s] has both Size= and Partition=; a partition has its own size",
			s->name);
	if (!o->partition && o->directory)
		return diag_error(b->diag, conf_key_pos(s, "Directory"),
				  "[Overlay %s] has Directory= without Partition=", s->name);
	if (o->partition && o->start_empty)
		return diag_error(
			b->diag, conf_key_pos(s, "StartEmpty"),
			"[Overlay %s]: StartEmpty= with Partition= would delete from the partition at "
			"each boot; expected one of them",
			s->name);
	/* Below a mount of fstab nothing can be seen yet. */
	e = fstab_at_or_above(&b->fstab, c->fact->resolved);
	if (e && fstab_is_network(e))
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: fstab mounts %s from the network, which comes up later "
			"than an overlay must",
			s->name, e->dir);
	if (e && strcmp(e->dir, c->fact->resolved) == 0 && fstab_is_initrd(e))
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: fstab mounts %s, which the initramfs has done before rofs can; "
			"overlay directories below it instead",
			s->name, e->dir);
	if (e && strcmp(e->dir, c->fact->resolved) == 0)
		return check_lower_is_no_partition(b, s, e);
	if (e)
		return 0;
	if (c->fact->type == PATH_MISSING)
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: there is no such directory on the root file system",
			s->name);
	if (c->fact->type != PATH_DIRECTORY)
		return diag_error(b->diag, s->pos, "[Overlay %s] is not a directory", s->name);
	return 0;
}

static int check_start_empty(struct building *b, const struct conf_overlay *o, const char *path)
{
	_cleanup_free_ char *copy = NULL;
	char *state, *word;

	if (!o->start_empty)
		return 0;
	copy = strdup(o->start_empty);
	if (!copy)
		return -ENOMEM;

	for (word = strtok_r(copy, " \t", &state); word; word = strtok_r(NULL, " \t", &state)) {
		path_clean(word);
		if (!path_is_below(word, path) && !path_is_below(word, o->section.name))
			return diag_error(b->diag, conf_key_pos(&o->section, "StartEmpty"),
					  "[Overlay %s]: StartEmpty= directory %s is not below it",
					  o->section.name, word);
	}
	return 0;
}

static int plan_overlay(struct building *b, const struct claim *c, struct plan_overlay *o)
{
	const struct conf_section *s = c->section;
	int err;

	err = check_overlay(b, c, o->conf);
	if (err < 0)
		return err;
	err = check_start_empty(b, o->conf, c->fact->resolved);
	if (err < 0)
		return err;

	err = text_format(&o->path, "%s", c->fact->resolved);
	if (err < 0)
		return err;
	err = text_format(&o->merged, "/rofs/overlay%s", o->path);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, o->merged, ".mount", &o->merged_unit);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, o->path, ".mount", &o->bind_unit);
	if (err < 0)
		return err;
	err = find_lower(b, o);
	if (err < 0)
		return err;
	return o->conf->partition ? place_on_partition(b, o) : place_in_ram(b, o);
}

/* There is room for it. It becomes the last of those that its run prepares, too. */
static void add_overlay(struct plan *p, const struct plan_overlay *o)
{
	struct plan_prepare *run = &p->prepares[o->prepare];
	size_t *link = run->last_overlay == NO_INDEX ?
			       &run->first_overlay :
			       &p->overlays[run->last_overlay].next_prepared;

	*link = run->last_overlay = p->n_overlays;
	p->overlays[p->n_overlays] = *o;
	p->overlays[p->n_overlays++].next_prepared = NO_INDEX;
}

int plan_overlays(struct building *b)
{
	struct plan *p = &b->plan;

	for (size_t i = 0; i < b->n_claims; i++) {
		const struct claim *c = &b->claims[i];
		struct plan_overlay o = { 0 };
		int err;

		if (c->refused || c->section->kind != CONF_OVERLAY)
			continue;
		err = array_reserve(p->overlays, p->n_overlays);
		if (err < 0)
			return err;

		o.conf = (const struct conf_overlay *)c->section;
		o.fallback = NO_INDEX;
		err = plan_overlay(b, c, &o);
		if (err < 0)
			plan_overlay_done(&o);
		if (err < 0 && err != -EBADMSG)
			return err;
		if (err < 0)
			continue;

		add_overlay(p, &o);
	}
	return 0;
}
