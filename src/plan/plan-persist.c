/* SPDX-License-Identifier: MIT */
/* The paths bound from partitions. */
#include "plan/plan-persist.h"

#include <string.h>

#include "basic/path.h"
#include "plan/left-out.h"
#include "plan/mount-flags.h"
#include "plan/plan-late.h"
#include "plan/plan-lower.h"
#include "plan/plan-names.h"
#include "plan/plan-partition.h"
#include "plan/plan-runs.h"

static bool is_file(const struct claim *c)
{
	return ((const struct conf_persist *)c->section)->kind == PERSIST_FILE;
}

/*
 * PID 1 and journald have read it when the first partition is mounted. They would keep another id
 * than everybody else, and the journal of the boot could not be found.
 */
static int check_machine_id(struct building *b, const struct claim *c)
{
	const struct conf_section *s = c->section;

	if (strcmp(c->fact->resolved, "/etc/machine-id") != 0)
		return 0;
	return diag_error(
		b->diag, s->pos,
		"[Persist %s]: systemd reads this file before it mounts any partition; expected the ID in "
		"/etc/machine-id on the root file system, or systemd.machine_id= on the kernel command line",
		s->name);
}

/* The overlay of a claim; NULL: it is none, or is left out. */
static const struct plan_overlay *overlay_of(const struct building *b, const struct claim *c)
{
	return plan_find_overlay(&b->plan, c->fact->resolved);
}

/* Where nothing writable is mounted above, systemd cannot make the mount point. */
static bool can_be_made(const struct building *b, const struct claim *c)
{
	if (!is_file(c) && path_is_below(c->fact->resolved, "/tmp"))
		return true;
	for (const struct claim *above = c->above; above; above = above->above)
		if (overlay_of(b, above))
			return true;
	return false;
}

/* Without @overlay, which is left out. */
static int refuse_without(struct building *b, const struct claim *c, const struct claim *overlay)
{
	b->because_of_other = !overlay->section->invalid &&
			      !b->left_outs->sections[overlay->section->order];
	return diag_error(
		b->diag, c->section->pos,
		"[Persist %s] is ignored too: its mount point cannot be created without [Overlay %s]",
		c->section->name, overlay->section->name);
}

static int check_mount_point(struct building *b, const struct claim *c)
{
	const struct conf_section *s = c->section;
	const char *what = is_file(c) ? "file" : "directory";
	enum path_type type = c->fact->type;
	const struct claim *overlay;

	if (fstab_at_or_above(&b->fstab, c->fact->resolved))
		return 0; /* what the root has there is not what will be there */
	if (type == PATH_OPAQUE || type == (is_file(c) ? PATH_FILE : PATH_DIRECTORY))
		return 0;
	if (type != PATH_MISSING)
		return diag_error(b->diag, s->pos, "[Persist %s] is not a %s%s", s->name, what,
				  type == PATH_FILE ? "; a single file requires Kind=file" : "");
	if (can_be_made(b, c))
		return 0;
	overlay = claims_overlay_above(b->claims, b->n_claims, c->fact->resolved);
	if (overlay)
		return refuse_without(b, c, overlay);
	return diag_error(
		b->diag, s->pos,
		"[Persist %s]: there is no such %s on the root file system, and no overlay above it in which "
		"to create it",
		s->name, what);
}

static int check_directory(struct building *b, const struct plan_persist *p)
{
	const struct conf_persist *c = p->conf;
	const struct conf_section *s = &c->section;
	size_t n = strlen(p->directory);

	/* Its root is there from the start, so nothing could tell a first use or half a copy. */
	if (n == 1 && c->populate)
		return diag_error(b->diag, conf_key_pos(s, "Populate"),
				  "[Persist %s]: Populate=yes requires a Directory= other than /",
				  s->name);
	if (c->kind != PERSIST_FILE)
		return 0;
	if (n == 1)
		return diag_error(
			b->diag, conf_key_pos(s, "Kind"),
			"[Persist %s]: Kind=file requires a Directory= that names the file on the partition",
			s->name);
	/* A unit file can end in such a path only with a slash behind it. */
	if (strchr(" \\", p->directory[n - 1]) || strchr(" \\", s->name[strlen(s->name) - 1]))
		return diag_error(
			b->diag, s->pos,
			"[Persist %s]: the name of a single file cannot end in a blank or a backslash",
			s->name);
	return 0;
}

/* rofs-prepare sees it too, where the type is found on the device. */
static int check_owners(struct building *b, const struct conf_persist *c, size_t partition)
{
	const struct conf_partition *p = b->plan.conf->partitions[partition];
	const struct conf_section *s = &c->section;
	const char *key = c->mode != MODE_UNSET ? "Mode" :
			  c->user		? "User" :
			  c->group		? "Group" :
			  c->populate		? "Populate" :
						  NULL;

	if (!key || plan_partition_keeps_owners(p))
		return 0;
	return diag_error(
		b->diag, conf_key_pos(s, key),
		"[Persist %s]: %s= cannot be applied to a partition of Type=%s, which stores neither owners nor modes; "
		"expected uid=, gid= and umask= in Options= of [Partition %s]",
		s->name, key, p->type, p->section.name);
}

/* What Populate=yes copies may be on a file system of its own. */
static int find_lower(struct building *b, struct plan_persist *p)
{
	const struct conf_section *s = &p->conf->section;
	const struct fstab_entry *e;
	int err;

	p->lower_mount = NO_INDEX;
	err = text_format(&p->lower, "/rofs/ro%s", p->path);
	if (err < 0)
		return err;
	e = p->conf->populate ? fstab_at_or_above(&b->fstab, p->path) : NULL;
	if (!e)
		return 0;
	err = plan_check_populate_early(b, s, p->path);
	if (err < 0)
		return err;
	err = plan_lower_of(b, s, e);
	p->lower_mount = b->lower_of[e - b->plan.facts->fstab];
	return err;
}

/*
 * The overlay in which the mount point is made, if the lower has none: of a file, for which systemd
 * would make a directory, and of what takes writes without its partition.
 */
static int find_overlay(struct building *b, const struct claim *c, struct plan_persist *p)
{
	const struct plan_overlay *o;

	p->overlay = NO_INDEX;
	if (!c->above ||
	    (p->conf->kind != PERSIST_FILE && p->conf->if_missing != IF_MISSING_VOLATILE))
		return 0;
	o = overlay_of(b, c->above);
	if (o)
		p->overlay = (size_t)(o - b->plan.overlays);
	if (o || p->conf->kind != PERSIST_FILE || c->fact->type == PATH_FILE)
		return 0;
	return refuse_without(b, c, c->above);
}

/* Is everything above the persist mounted when the early mounts are done, and not later? */
static bool is_above_early(struct building *b, const struct claim *c, const char *parent)
{
	if (fstab_at_or_above(&b->fstab, parent) || path_is_at_or_below(parent, "/tmp"))
		return false;
	for (const struct claim *above = c->above; above; above = above->above) {
		const struct plan_overlay *o = overlay_of(b, above);

		if (o && !o->early)
			return false;
	}
	return true;
}

/* What fstab mounts above the path. On the path itself the persist takes its place. */
static const struct fstab_entry *fstab_above(const struct building *b, const struct plan_persist *p)
{
	const struct fstab_entry *e = fstab_at_or_above(&b->fstab, p->path);

	return e && strcmp(e->dir, p->path) != 0 ? e : NULL;
}

/* Is the path in this overlay itself, and not on what fstab mounts below it? */
static bool is_in_overlay(const struct building *b, const struct plan_persist *p)
{
	const struct fstab_entry *e = fstab_above(b, p);

	return p->overlay != NO_INDEX &&
	       (!e || path_is_at_or_below(b->plan.overlays[p->overlay].path, e->dir));
}

/*
 * The guard of a single file is an attribute in the upper layer. That is of use where the layer is
 * in RAM: on the read-only root nobody writes, and on a partition it would stay when the persist
 * has gone from the configuration.
 */
static bool is_in_ram(struct building *b, const struct plan_persist *p)
{
	return is_in_overlay(b, p) && !b->plan.overlays[p->overlay].on_partition;
}

static bool wants_guard(struct building *b, const struct plan_persist *p)
{
	if (p->conf->if_missing == IF_MISSING_VOLATILE)
		return false;
	return p->conf->kind != PERSIST_FILE || is_in_ram(b, p);
}

/*
 * A guard that came after the overlay would come too late for a program that writes at once. So whoever
 * mounts the overlay puts the guard in it, unless it belongs on what fstab mounts between the two.
 */
static void guard_in_overlay(struct building *b, const struct claim *c, struct plan_persist *p)
{
	const struct plan_overlay *found = c->above ? overlay_of(b, c->above) : NULL;
	const struct fstab_entry *e = fstab_above(b, p);
	struct plan_overlay *o;

	if (!found || (e && !path_is_at_or_below(found->path, e->dir)))
		return;
	p->guard_overlay = (size_t)(found - b->plan.overlays);
	o = &b->plan.overlays[p->guard_overlay];
	if (p->conf->kind != PERSIST_FILE)
		o->has_guards = true;
}

/*
 * Who puts the guard on the path. It must not wait for the partition, so it is never the run on
 * that one.
 */
static int plan_guard(struct building *b, const struct claim *c, struct plan_persist *p)
{
	_cleanup_free_ char *parent = NULL;
	int err;

	p->guard = p->guard_overlay = NO_INDEX;
	if (!wants_guard(b, p))
		return 0;
	guard_in_overlay(b, c, p);
	err = text_format(&parent, "%.*s", (int)(strrchr(p->path, '/') - p->path), p->path);
	if (err < 0)
		return err;
	if (is_above_early(b, c, *parent ? parent : "/"))
		return plan_ram_run(b, c->section, &p->guard);
	return plan_path_run(b, c->section, RUN_GUARD, p->path, &p->guard);
}

/* What its own lines and the path show to be wrong; and which partition it is on. */
static int check_persist(struct building *b, const struct claim *c, struct plan_persist *p)
{
	const struct conf_section *s = c->section;
	int err;

	err = plan_check_unmasked(b, s);
	if (err >= 0)
		err = check_directory(b, p);
	if (err < 0)
		return err;
	err = plan_find_partition(b, s, p->conf->partition, conf_key_pos(s, "Partition"),
				  &p->partition);
	if (err < 0)
		return err;
	err = check_owners(b, p->conf, p->partition);
	if (err < 0)
		return err;
	err = check_machine_id(b, c);
	if (err < 0)
		return err;
	err = plan_check_persist_early(b, c->section, c->fact->resolved);
	return err < 0 ? err : check_mount_point(b, c);
}

/* From where to where it is bound. */
static int name_persist(struct building *b, const struct claim *c, struct plan_persist *p)
{
	int err;

	err = text_format(&p->path, "%s", c->fact->resolved);
	if (err < 0)
		return err;
	err = text_format(&p->what, "%s%s", b->plan.partitions[p->partition].where,
			  strcmp(p->directory, "/") == 0 ? "" : p->directory);
	if (err < 0)
		return err;
	return plan_name_unit(b, c->section, p->path, ".mount", &p->unit);
}

/*
 * On a mount point of fstab it takes the place of that file system, with what restricts that; but it is
 * there to be written to. With a flag of its own, a bind does not keep those of what it binds.
 */
static int plan_options(struct building *b, struct plan_persist *p)
{
	unsigned flags = mount_flags(b->plan.conf->partitions[p->partition]->options);
	const struct fstab_entry *e = fstab_at_or_above(&b->fstab, p->path);
	_cleanup_strbuf_ struct strbuf s = { 0 };

	if (e && strcmp(e->dir, p->path) == 0) {
		p->fstab_entry = e;
		p->from_fstab = fstab_mount_flags(&b->fstab, e) & ~flags &
				~(unsigned)MOUNT_READ_ONLY;
	}
	strbuf_add(&s, "bind");
	mount_flags_add(&s, p->from_fstab ? flags | p->from_fstab : 0);
	return strbuf_take(&s, &p->options);
}

/* Without the partition the path is in RAM as well; and nobody else makes it there. */
static int plan_maker(struct building *b, struct plan_persist *p)
{
	p->maker = NO_INDEX;
	if (p->conf->if_missing != IF_MISSING_VOLATILE || p->overlay != NO_INDEX || !b->plan.tmp ||
	    fstab_above(b, p) || !path_is_below(p->path, "/tmp"))
		return 0;
	return plan_ram_run(b, &p->conf->section, &p->maker);
}

/* Without the partition, the overlay is missing as well. */
static void warn_same_partition(struct building *b, const struct plan_persist *p)
{
	const struct plan_overlay *o = &b->plan.overlays[p->overlay];
	const struct conf_section *s = &p->conf->section;

	if (!o->on_partition || o->partition != p->partition ||
	    o->conf->if_missing != IF_MISSING_READ_ONLY)
		return;
	diag_warning(
		b->diag, conf_key_pos(s, "IfMissing"),
		"[Persist %s]: IfMissing=volatile has no effect, since [Overlay %s], which contains the "
		"path, is on the same partition; expected IfMissing=volatile there as well",
		s->name, o->conf->section.name);
}

/* Without an overlay the writes go to what is below: the read-only root, or what fstab mounts. */
static void warn_volatile(struct building *b, const struct claim *c, const struct plan_persist *p)
{
	const struct fstab_entry *e = fstab_above(b, p);
	const struct conf_section *s = &p->conf->section;

	if (p->conf->if_missing != IF_MISSING_VOLATILE)
		return;
	if (is_in_overlay(b, p))
		return warn_same_partition(b, p);
	if (e)
		diag_warning(
			b->diag, conf_key_pos(s, "IfMissing"),
			"[Persist %s]: IfMissing=volatile has no effect, since no overlay contains the "
			"path; without its partition it is on the file system that %s mounts on %s",
			s->name, fstab_origin(e), e->dir);
	else if (!c->above && b->plan.conf->root.read_only && !path_is_below(p->path, "/tmp"))
		diag_warning(
			b->diag, conf_key_pos(s, "IfMissing"),
			"[Persist %s]: IfMissing=volatile has no effect, since no overlay contains the path; "
			"without its partition it cannot be written to",
			s->name);
}

static int plan_persist(struct building *b, const struct claim *c, struct plan_persist *p)
{
	int err;

	err = check_persist(b, c, p);
	if (err < 0)
		return err;
	err = name_persist(b, c, p);
	if (err < 0)
		return err;
	err = plan_options(b, p);
	if (err < 0)
		return err;
	err = find_lower(b, p);
	if (err < 0)
		return err;
	err = find_overlay(b, c, p);
	if (err < 0)
		return err;
	warn_volatile(b, c, p);

	p->prepare = NO_INDEX;
	if (strcmp(p->directory, "/") != 0) {
		err = plan_partition_run(b, c->section, p->partition, &p->prepare);
		if (err < 0)
			return err;
	}
	err = plan_guard(b, c, p);
	if (err >= 0)
		err = plan_maker(b, p);
	if (err < 0)
		return err;
	plan_use_partition(b, p->partition);
	return 0;
}

/* There is room for it. On success the plan owns its strings. */
static int add_persist(struct plan *p, const struct plan_persist *persist)
{
	int err = 0;

	if (persist->prepare != NO_INDEX)
		err = plan_indexes_add(&p->runs[persist->prepare].persists, p->n_persists);
	if (err >= 0 && persist->guard != NO_INDEX)
		err = plan_indexes_add(&p->runs[persist->guard].persists, p->n_persists);
	if (err >= 0 && persist->maker != NO_INDEX)
		err = plan_indexes_add(&p->runs[persist->maker].persists, p->n_persists);
	if (err >= 0)
		p->persists[p->n_persists++] = *persist;
	return err;
}

int plan_persists(struct building *b)
{
	struct plan *p = &b->plan;
	int err;

	b->stage_at[STAGE_PERSISTS] = b->diag->n_entries;
	for (size_t i = 0; i < b->n_claims; i++) {
		struct claim *c = &b->claims[i];
		size_t first = b->diag->n_entries;
		struct plan_persist persist = { 0 };

		if (c->refused || c->section->kind != CONF_PERSIST)
			continue;
		err = array_reserve(p->persists, p->n_persists);
		if (err < 0)
			return err;

		persist.conf = (const struct conf_persist *)c->section;
		persist.directory = persist.conf->directory ? persist.conf->directory : "/";
		err = plan_persist(b, c, &persist);
		if (err >= 0)
			err = add_persist(p, &persist);
		if (err < 0)
			plan_persist_done(&persist);
		if (err == -EBADMSG)
			plan_leave_out(b, c, first);
		else if (err < 0)
			return err;
	}
	return 0;
}
