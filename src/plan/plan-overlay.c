/* SPDX-License-Identifier: MIT */
/* The overlays, and what they need in RAM or on a partition. */
#include "plan/plan-overlay.h"

#include <string.h>

#include "basic/path.h"
#include "plan/devices.h"
#include "plan/left-out.h"
#include "plan/mount-flags.h"
#include "plan/plan-commit.h"
#include "plan/plan-late.h"
#include "plan/plan-lower.h"
#include "plan/plan-names.h"
#include "plan/plan-partition.h"
#include "plan/plan-pool.h"
#include "plan/plan-runs.h"
#include "plan/subvolume.h"
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
	o->lower_mount = NO_INDEX;
	o->lower_entry = e ? e : b->fstab.root;
	err = e ? plan_lower_of(b, &o->conf->section, e) : 0;
	if (err < 0 || !e)
		return err;
	o->lower_mount = b->lower_of[e - b->plan.facts->fstab];
	o->lower_is_live = b->plan.lowers[o->lower_mount].bind;
	return 0;
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
		return plan_ram_run(b, s, &o->prepare);
	return plan_path_run(b, s, RUN_OVERLAY, o->path, &o->prepare);
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

	if (!own.size.bytes && !own.size.percent)
		return 0;
	own.early = o->early;
	err = plan_add_pool(b, s, o->layers, &own);
	if (err < 0)
		return err;
	o->pool = b->plan.pools[b->plan.n_pools - 1].dir;
	return 0;
}

/* Its directory in RAM is below that of the overlay above, and so in the same pool. */
static const char *pool_above(const struct building *b, const struct claim *c)
{
	for (c = c->above; c; c = c->above) {
		const struct plan_overlay *o = plan_find_overlay(&b->plan, c->fact->resolved);

		if (o)
			return o->pool;
	}
	return b->plan.pools[0].dir;
}

/*
 * What is bound to the path, when it is not always the merged mount. Where the lower is the root
 * itself, the plain lower is what is there when nothing is mounted.
 */
static int plan_fallback(struct building *b, struct plan_overlay *o)
{
	enum if_missing m = o->conf->if_missing;

	if (m == IF_MISSING_EMERGENCY || (m == IF_MISSING_READ_ONLY && o->lower_is_root))
		return 0;
	return plan_path_run(b, &o->conf->section, RUN_FALLBACK, o->path, &o->fallback);
}

/* An overlay writes to its partition from the start. */
static int check_writable(struct building *b, const struct conf_section *s, size_t partition)
{
	const struct conf_partition *p = b->plan.conf->partitions[partition];

	if (!plan_partition_is_read_only(p))
		return 0;
	diag_error(
		b->diag, conf_key_pos(s, "Partition"),
		"[Overlay %s]: an overlay cannot keep its changes on [Partition %s], which is read-only",
		s->name, p->section.name);
	if (mount_flags(p->options) & MOUNT_READ_ONLY)
		diag_note(b->diag, conf_key_pos(&p->section, "Options"), "ro is set here");
	else
		diag_note(b->diag, conf_key_pos(&p->section, "Type"), "Type=%s is set here",
			  p->type);
	return -EBADMSG;
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
	err = check_writable(b, &c->section, o->partition);
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
			"[Overlay %s]: %s cannot hold its layers; expected a path of at most %u bytes "
			"without blanks or any of , : \\ \" %% '",
			c->section.name, o->layers, CONF_LAYER_BYTES_MAX);

	o->on_partition = true;
	err = plan_partition_run(b, &c->section, o->partition, &o->prepare);
	if (err < 0)
		return err;
	err = plan_fallback(b, o);
	if (err < 0)
		return err;
	plan_use_partition(b, o->partition);
	return 0;
}

/*
 * Of one file system, one mount would be read-only and the other not: the kernel refuses that, but for
 * btrfs. There it is enough that what is written is not in the lower.
 */
static int check_lower_is_no_partition(struct building *b, const struct conf_section *s,
				       const struct fstab_entry *e)
{
	const struct conf_partition *p;
	size_t found;
	int err = devices_find(b, e->spec, &found);

	if (err < 0 || found == NO_INDEX || !b->plan.partitions[found].where)
		return err;
	p = b->plan.conf->partitions[found];
	err = subvolume_is_btrfs(e) ? subvolume_compare(e->options, p->options) : 0;
	if (err < 0 || err == SUBVOLUMES_SEPARATE)
		return err < 0 ? err : 0;
	return diag_error(
		b->diag, s->pos,
		"[Overlay %s]: %s mounts the device of [Partition %s] there, which cannot be both "
		"the read-only lower and a writable partition; expected a [Persist %s], or no such "
		"entry in %s",
		s->name, fstab_origin(e), p->section.name, s->name, fstab_origin(e));
}

/* Keys that exclude each other. */
static int check_keys(struct building *b, const struct conf_overlay *o)
{
	const struct conf_section *s = &o->section;

	if (o->partition && (o->size.bytes || o->size.percent))
		return diag_error(
			b->diag, conf_key_pos(s, "Size"),
			"[Overlay %s]: Size= and Partition= cannot be combined; a partition has its own size",
			s->name);
	if (!o->partition && o->directory)
		return diag_error(
			b->diag, conf_key_pos(s, "Directory"),
			"[Overlay %s] has Directory= without Partition=; expected the name of a [Partition]",
			s->name);
	if (o->partition && o->start_empty)
		return diag_error(
			b->diag, conf_key_pos(s, "StartEmpty"),
			"[Overlay %s]: StartEmpty= and Partition= cannot be combined; each boot would "
			"delete files from the partition",
			s->name);
	if (o->partition && o->commit_at)
		return diag_error(
			b->diag, conf_key_pos(s, "CommitAt"),
			"[Overlay %s]: CommitAt= and Partition= cannot be combined; what is on a partition is "
			"already kept",
			s->name);
	return 0;
}

/* Can what fstab mounts at the path, or above it, be the lower? */
static int check_fstab(struct building *b, const struct claim *c, const struct fstab_entry *e)
{
	const struct conf_section *s = c->section;

	int err = plan_check_lower_early(b, s, c->fact->resolved);

	/* Above the path, fstab mounts it as ever, and the lower is bound from there. */
	if (err >= 0 && strcmp(e->dir, c->fact->resolved) == 0)
		err = plan_check_lower_not_first(b, s, e);
	if (err < 0)
		return err;
	if (fstab_is_no_layer(&b->fstab, e))
		return diag_error(
			b->diag, fstab_pos(e),
			"%s is %s, which overlayfs refuses as the lower layer of [Overlay %s]; "
			"expected ext4, xfs, btrfs, f2fs, squashfs or erofs",
			e->dir, fstab_shown(&b->fstab, e)->type, s->name);
	if (strcmp(e->dir, c->fact->resolved) != 0)
		return 0;
	if (fstab_is_initrd(e))
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: the initramfs mounts %s before rofs can cover it; expected "
			"overlays on directories below it",
			s->name, e->dir);
	return check_lower_is_no_partition(b, s, e);
}

static int check_overlay(struct building *b, const struct claim *c)
{
	const struct fstab_entry *e = fstab_at_or_above(&b->fstab, c->fact->resolved);
	const struct conf_section *s = c->section;
	int err;

	err = check_keys(b, (const struct conf_overlay *)s);
	if (err < 0)
		return err;
	if (e) /* what it has at the path is not seen yet */
		return check_fstab(b, c, e);
	if (c->fact->type == PATH_MISSING)
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: there is no such directory on the root file system",
			s->name);
	if (c->fact->type != PATH_DIRECTORY && c->fact->type != PATH_OPAQUE)
		return diag_error(b->diag, s->pos, "[Overlay %s] is not a directory", s->name);
	return 0;
}

/* What is left of clean @path below @dir, from the slash on; NULL when it is not below. */
static const char *below(const char *path, const char *dir)
{
	return path_is_below(path, dir) ? path + strlen(dir) : NULL;
}

/* @path: one word of StartEmpty=, below the overlay's path or how that was written. */
static int add_start_empty(struct building *b, struct plan_overlay *o, char *path)
{
	const struct conf_section *s = &o->conf->section;
	const char *rest;
	int err;

	path_clean(path);
	rest = below(path, o->path);
	if (!rest)
		rest = below(path, s->name);
	if (!rest)
		return diag_error(b->diag, conf_key_pos(s, "StartEmpty"),
				  "[Overlay %s]: StartEmpty= directory %s is not below it", s->name,
				  path);
	err = array_reserve(o->start_empty, o->n_start_empty);
	if (err < 0)
		return err;
	err = text_format(&o->start_empty[o->n_start_empty], "%s%s", o->path, rest);
	if (err >= 0)
		o->n_start_empty++;
	return err;
}

static int plan_start_empty(struct building *b, struct plan_overlay *o)
{
	_cleanup_free_ char *words = NULL;
	char *state, *word;
	int err = 0;

	if (!o->conf->start_empty)
		return 0;
	words = strdup(o->conf->start_empty);
	if (!words)
		return -ENOMEM;

	for (word = strtok_r(words, " \t", &state); word && err >= 0;
	     word = strtok_r(NULL, " \t", &state))
		err = add_start_empty(b, o, word);
	return err;
}

/*
 * What restricts the file systems of its layers restricts the overlay, unless its own options say
 * otherwise. Only that / and /usr are read-only does not: all overlays on them are there for that.
 */
static int plan_options(struct building *b, struct plan_overlay *o)
{
	_cleanup_strbuf_ struct strbuf s = { 0 };
	const struct fstab_entry *e = o->lower_entry;
	const char *own = o->conf->options ? o->conf->options : "";
	unsigned inherited = ~mount_flags_named(own);

	o->from_lower = e ? fstab_mount_flags(&b->fstab, e) & inherited : 0;
	if (e && fstab_is_kept_read_only(e))
		o->from_lower &= ~(unsigned)MOUNT_READ_ONLY;
	if (o->on_partition)
		o->from_partition = mount_flags(b->plan.conf->partitions[o->partition]->options) &
				    inherited;
	mount_flags_add(&s, o->from_lower | o->from_partition);
	if (*own)
		strbuf_addf(&s, "%s%s", s.len ? "," : "", own);
	return strbuf_take(&s, &o->options);
}

static int plan_overlay(struct building *b, const struct claim *c, struct plan_overlay *o)
{
	const struct conf_section *s = c->section;
	int err;

	err = plan_check_unmasked(b, s);
	if (err >= 0)
		err = check_overlay(b, c);
	if (err < 0)
		return err;

	err = text_format(&o->path, "%s", c->fact->resolved);
	if (err < 0)
		return err;
	err = plan_start_empty(b, o);
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
	o->pool = pool_above(b, c);
	err = o->conf->partition ? place_on_partition(b, o) : place_in_ram(b, o);
	if (err >= 0)
		err = plan_commits(b, o);
	return err < 0 ? err : plan_options(b, o);
}

/* There is room for it. On success the plan owns its strings. */
static int add_overlay(struct plan *p, const struct plan_overlay *o)
{
	int err = plan_indexes_add(&p->runs[o->prepare].overlays, p->n_overlays);

	if (err >= 0 && o->fallback != NO_INDEX)
		err = plan_indexes_add(&p->runs[o->fallback].overlays, p->n_overlays);
	if (err >= 0)
		p->overlays[p->n_overlays++] = *o;
	return err;
}

int plan_overlays(struct building *b)
{
	struct plan *p = &b->plan;

	b->stage_at[STAGE_OVERLAYS] = b->diag->n_entries;
	for (size_t i = 0; i < b->n_claims; i++) {
		struct claim *c = &b->claims[i];
		size_t first = b->diag->n_entries;
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
		if (err >= 0)
			err = add_overlay(p, &o);
		if (err < 0)
			plan_overlay_done(&o);
		if (err == -EBADMSG)
			plan_leave_out(b, c, first);
		else if (err < 0)
			return err;
	}
	return 0;
}
