/* SPDX-License-Identifier: MIT */
/* The partitions, and the paths bound from them. */
#include <string.h>

#include "basic/path.h"
#include "plan/plan-internal.h"
#include "plan/unit-name.h"

int plan_find_partition(struct building *b, const struct conf_section *s, const char *name,
			struct pos at, size_t *ret)
{
	const struct conf_section *found = conf_find(b->plan.conf, CONF_PARTITION, name);
	const char *kind = conf_kind_to_string(s->kind);

	if (!found)
		return diag_error(b->diag, at, "[%s %s]: there is no [Partition %s]", kind, s->name,
				  name);
	if (!b->plan.partitions[found->index].where) {
		diag_error(
			b->diag, at,
			"[%s %s] is left out too: it needs [Partition %s], which holds a mistake",
			kind, s->name, name);
		diag_note(b->diag, found->pos, "the partition is declared here");
		return -EBADMSG;
	}

	*ret = found->index;
	return 0;
}

void plan_use_partition(struct building *b, size_t partition)
{
	b->plan.partitions[partition].conf = b->plan.conf->partitions[partition];
}

int plan_partition_prepare(struct building *b, const struct conf_section *s, size_t partition,
			   size_t *ret)
{
	struct plan_partition *p = &b->plan.partitions[partition];
	int err;

	if (p->prepare == NO_INDEX) {
		err = plan_add_prepare(b, s, p->where, &p->prepare);
		if (err < 0)
			return err;
	}

	*ret = p->prepare;
	return 0;
}

static bool is_named_by_content(const char *device)
{
	return strncmp(device, "LABEL=", 6) == 0 || strncmp(device, "UUID=", 5) == 0;
}

static int check_format(struct building *b, const struct conf_partition *c)
{
	const struct conf_section *s = &c->section;

	if (strcmp(c->type, "auto") == 0)
		return diag_error(
			b->diag, conf_key_pos(s, "Format"),
			"[Partition %s]: Format=yes without Type=; expected the file system to make",
			s->name);
	if (is_named_by_content(c->device))
		return diag_error(
			b->diag, conf_key_pos(s, "Format"),
			"[Partition %s]: Format=yes with Device=%s, which only a file system has; "
			"expected /dev/..., PARTLABEL= or PARTUUID=",
			s->name, c->device);
	return 0;
}

static bool is_one_of(const char *type, const char *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* What systemd-growfs grows (src/partition/growfs.c); what is found on the device it sees itself. */
static bool can_grow(struct building *b, const struct conf_partition *c)
{
	static const char *const types[] = { "auto", "ext2", "ext3", "ext4", "xfs", "btrfs" };

	if (is_one_of(c->type, types, ELEMENTSOF(types)))
		return true;
	diag_warning(
		b->diag, conf_key_pos(&c->section, "Grow"),
		"[Partition %s]: Grow=yes has no effect with Type=%s; expected ext4, btrfs or xfs",
		c->section.name, c->type);
	return false;
}

static int plan_format_and_grow(struct building *b, const struct conf_partition *c,
				struct plan_partition *p)
{
	_cleanup_free_ char *grow = NULL;
	int err;

	if (c->format) {
		err = check_format(b, c);
		if (err < 0)
			return err;
		err = text_format(&p->format_dir, "/rofs/format/%s", c->section.name);
		if (err < 0)
			return err;
		err = plan_name_unit(b, &c->section, p->format_dir, ".service", &p->format_unit);
		if (err < 0)
			return err;
	}
	if (!c->grow || !can_grow(b, c))
		return 0;
	err = text_format(&grow, "/rofs/grow/%s", c->section.name);
	if (err < 0)
		return err;
	return plan_name_unit(b, &c->section, grow, ".service", &p->grow_unit);
}

static int plan_partition(struct building *b, const struct conf_partition *c,
			  struct plan_partition *p)
{
	int err;

	err = unit_name_device_path(c->device, &p->device_path);
	if (err == -EINVAL)
		return diag_error(b->diag, conf_key_pos(&c->section, "Device"),
				  "[Partition %s]: Device=%s names no device", c->section.name,
				  c->device);
	if (err < 0)
		return err;
	err = plan_name_device(b, &c->section, p->device_path, &p->device_unit);
	if (err < 0)
		return err;
	if (c->check) {
		err = plan_name_fsck(b, &c->section, p->device_path, &p->fsck_unit);
		if (err < 0)
			return err;
	}
	err = plan_format_and_grow(b, c, p);
	if (err < 0)
		return err;
	err = text_format(&p->where, "/rofs/persist/%s", c->section.name);
	if (err < 0)
		return err;
	return plan_name_unit(b, &c->section, p->where, ".mount", &p->unit);
}

static int compare_device(const void *a, const void *b)
{
	const struct plan_partition *x = *(const struct plan_partition *const *)a,
				    *y = *(const struct plan_partition *const *)b;
	int order = strcmp(x->device_path, y->device_path);

	return order ? order : (x < y ? -1 : x > y);
}

/*
 * One device, two sections: the file system would be mounted twice with options that fight each
 * other.
 */
static int refuse_same_device(struct building *b)
{
	struct plan *p = &b->plan;
	_cleanup_free_ struct plan_partition **sorted =
		calloc(p->n_partitions + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].where)
			sorted[n++] = &p->partitions[i];
	qsort(sorted, n, sizeof(*sorted), compare_device);

	for (size_t i = n; i > 1; i--) {
		struct plan_partition *later = sorted[i - 1], *first = sorted[i - 2];
		const struct conf_section *s =
			&b->plan.conf->partitions[later - p->partitions]->section;

		if (strcmp(later->device_path, first->device_path) != 0)
			continue;
		diag_error(
			b->diag, conf_key_pos(s, "Device"),
			"[Partition %s] has the same Device= as [Partition %s]; persists can share one section",
			s->name, b->plan.conf->partitions[first - p->partitions]->section.name);
		plan_partition_done(later);
	}
	return 0;
}

/*
 * Plans all of them; which are used is known when the overlays and persists have asked for theirs.
 */
int plan_partitions(struct building *b)
{
	const struct conf *conf = b->plan.conf;
	struct plan *p = &b->plan;

	p->partitions = calloc(conf->n_partitions + 1, sizeof(*p->partitions));
	if (!p->partitions)
		return -ENOMEM;

	p->n_partitions = conf->n_partitions;
	for (size_t i = 0; i < p->n_partitions; i++) {
		struct plan_partition *q = &p->partitions[i];
		int err;

		if (conf->partitions[i]->section.invalid)
			continue;
		q->prepare = NO_INDEX;
		err = plan_partition(b, conf->partitions[i], q);
		if (err < 0)
			plan_partition_done(q);
		if (err < 0 && err != -EBADMSG)
			return err;
	}
	return refuse_same_device(b);
}

/* Where nothing writable is mounted above, systemd cannot make the mount point. */
static int check_mount_point(struct building *b, const struct claim *c)
{
	const struct conf_section *s = c->section;
	bool file = ((const struct conf_persist *)s)->kind == PERSIST_FILE;
	const char *what = file ? "file" : "directory";

	/*
	 * PID 1 and journald have read it when the first partition is mounted. They would keep
	 * another id than everybody else, and the journal of the boot could not be found.
	 */
	if (strcmp(c->fact->resolved, "/etc/machine-id") == 0)
		return diag_error(
			b->diag, s->pos,
			"[Persist %s]: systemd reads it before any partition is there; expected the id in "
			"/etc/machine-id on flash, or systemd.machine_id= on the kernel command line",
			s->name);
	if (fstab_at_or_above(&b->fstab, c->fact->resolved))
		return 0; /* what the root has there is not what will be there */
	if (c->fact->type != PATH_MISSING && c->fact->type != (file ? PATH_FILE : PATH_DIRECTORY))
		return diag_error(b->diag, s->pos, "[Persist %s] is not a %s%s", s->name, what,
				  !file && c->fact->type == PATH_FILE ?
					  "; a single file needs Kind=file" :
					  "");
	if (c->fact->type != PATH_MISSING || c->above)
		return 0;
	if (!file && path_is_below(c->fact->resolved, "/tmp"))
		return 0;

	return diag_error(
		b->diag, s->pos,
		"[Persist %s]: there is no such %s on the root file system, and no overlay above it in which it "
		"could be made",
		s->name, what);
}

static int check_persist(struct building *b, const struct conf_persist *c)
{
	const struct conf_section *s = &c->section;
	size_t n = strlen(c->directory);

	/* Its root is there from the start, so nothing could tell a first use or half a copy. */
	if (n == 1 && c->populate)
		return diag_error(
			b->diag, conf_key_pos(s, "Populate"),
			"[Persist %s]: Populate=yes needs a Directory= of its own; expected another than /",
			s->name);
	if (c->kind != PERSIST_FILE)
		return 0;
	if (n == 1)
		return diag_error(
			b->diag, conf_key_pos(s, "Kind"),
			"[Persist %s]: Kind=file needs a Directory= that names the file on the partition",
			s->name);
	/* A unit file can end in such a path only with a slash behind it. */
	if (strchr(" \\", c->directory[n - 1]) || strchr(" \\", s->name[strlen(s->name) - 1]))
		return diag_error(
			b->diag, s->pos,
			"[Persist %s]: the name of a single file cannot end in a blank or a backslash",
			s->name);
	return 0;
}

/* rofs-prepare sees it too, where the type is found on the device. */
static int check_owners(struct building *b, const struct conf_persist *c, size_t partition)
{
	static const char *const types[] = { "vfat", "msdos", "exfat" };
	const struct conf_partition *p = b->plan.conf->partitions[partition];
	const struct conf_section *s = &c->section;
	const char *key = c->mode != MODE_UNSET ? "Mode" :
			  c->user		? "User" :
			  c->group		? "Group" :
			  c->populate		? "Populate" :
						  NULL;

	if (!key || !is_one_of(p->type, types, ELEMENTSOF(types)))
		return 0;
	return diag_error(
		b->diag, conf_key_pos(s, key),
		"[Persist %s]: %s= with a partition of Type=%s, which keeps no owners and no modes; "
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
	if (fstab_is_network(e))
		return diag_error(
			b->diag, conf_key_pos(s, "Populate"),
			"[Persist %s]: fstab mounts %s from the network, which comes up too late to be copied",
			s->name, e->dir);

	err = plan_lower_of(b, s, e);
	for (size_t i = 0; i < b->plan.n_lowers; i++)
		if (b->plan.lowers[i].entry == e)
			p->lower_mount = i;
	return err;
}

/* The overlay in which the mount point of a file is made, if the lower has none. */
static int find_overlay(struct building *b, const struct claim *c, struct plan_persist *p)
{
	p->overlay = NO_INDEX;
	if (p->conf->kind != PERSIST_FILE || !c->above)
		return 0;
	for (size_t i = 0; i < b->plan.n_overlays; i++)
		if (strcmp(b->plan.overlays[i].path, c->above->fact->resolved) == 0)
			p->overlay = i;
	if (p->overlay != NO_INDEX || c->fact->type == PATH_FILE)
		return 0;
	return diag_error(
		b->diag, c->section->pos,
		"[Persist %s] is left out too: its mount point cannot be made without [Overlay %s]",
		c->section->name, c->above->section->name);
}

static int compare_overlay(const void *path, const void *overlay)
{
	return path_compare(path, ((const struct plan_overlay *)overlay)->path);
}

/* Is everything above the persist mounted when the one pass is through, and not later? */
static bool is_above_in_one_pass(struct building *b, const struct claim *c, const char *parent)
{
	if (fstab_at_or_above(&b->fstab, parent) || path_is_at_or_below(parent, "/tmp"))
		return false;
	for (const struct claim *above = c->above; above; above = above->above) {
		const struct plan_overlay *o = bsearch(above->fact->resolved, b->plan.overlays,
						       b->plan.n_overlays, sizeof(*o),
						       compare_overlay);

		if (o && !o->early)
			return false;
	}
	return true;
}

/*
 * The guard of a single file is an attribute in the upper layer. That is of use where the layer is
 * in RAM: on the read-only root nobody writes, and on a partition it would stay when the persist
 * has gone from the configuration.
 */
static bool is_in_ram(struct building *b, const struct plan_persist *p)
{
	const struct plan_overlay *o = p->overlay == NO_INDEX ? NULL :
								&b->plan.overlays[p->overlay];
	const struct fstab_entry *e = fstab_at_or_above(&b->fstab, p->path);

	return o && !o->on_partition && (!e || path_is_at_or_below(o->path, e->dir));
}

/*
 * Who puts the guard on the path. It must not wait for the partition, so it is never the run on
 * that one.
 */
static int plan_guard(struct building *b, const struct claim *c, struct plan_persist *p)
{
	const struct conf_section *s = c->section;
	_cleanup_free_ char *parent = NULL, *dir = NULL;
	int err;

	p->guard = NO_INDEX;
	if (p->conf->if_missing == IF_MISSING_VOLATILE ||
	    (p->conf->kind == PERSIST_FILE && !is_in_ram(b, p)))
		return 0;
	err = text_format(&parent, "%.*s", (int)(strrchr(p->path, '/') - p->path), p->path);
	if (err < 0)
		return err;
	if (is_above_in_one_pass(b, c, *parent ? parent : "/"))
		return plan_early_mounts(b, s, &p->guard);

	err = text_format(&dir, "/rofs/guard%s", p->path);
	if (err < 0)
		return err;
	err = plan_add_prepare(b, s, dir, &p->guard);
	if (err < 0)
		return err;
	b->plan.prepares[p->guard].guard_in = TAKE_PTR(parent);
	return 0;
}

static int plan_persist(struct building *b, const struct claim *c, struct plan_persist *p)
{
	const struct conf_section *s = c->section;
	bool whole = strcmp(p->conf->directory, "/") == 0;
	int err;

	err = check_persist(b, p->conf);
	if (err < 0)
		return err;
	err = plan_find_partition(b, s, p->conf->partition, conf_key_pos(s, "Partition"),
				  &p->partition);
	if (err < 0)
		return err;
	err = check_owners(b, p->conf, p->partition);
	if (err < 0)
		return err;
	err = check_mount_point(b, c);
	if (err < 0)
		return err;

	err = text_format(&p->path, "%s", c->fact->resolved);
	if (err < 0)
		return err;
	err = find_lower(b, p);
	if (err < 0)
		return err;
	err = find_overlay(b, c, p);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, p->path, ".mount", &p->unit);
	if (err < 0)
		return err;
	err = text_format(&p->what, "%s%s", b->plan.partitions[p->partition].where,
			  whole ? "" : p->conf->directory);
	if (err < 0)
		return err;

	p->prepare = NO_INDEX;
	if (!whole) {
		err = plan_partition_prepare(b, s, p->partition, &p->prepare);
		if (err < 0)
			return err;
	}
	err = plan_guard(b, c, p);
	if (err < 0)
		return err;
	plan_use_partition(b, p->partition);
	return 0;
}

static int add_fstab_duplicate(struct building *b, const struct fstab_entry *e, size_t partition)
{
	struct plan *p = &b->plan;
	const struct conf_section *s = &p->partitions[partition].conf->section;
	_cleanup_free_ char *unit = NULL;
	int err;

	err = unit_name_from_path(e->dir, ".mount", &unit);
	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err; /* systemd has made none either */
	err = array_reserve(p->fstab_duplicates, p->n_fstab_duplicates);
	if (err < 0)
		return err;
	p->fstab_duplicates[p->n_fstab_duplicates++] = (struct plan_fstab_duplicate){
		.entry = e, .partition = partition, .unit = TAKE_PTR(unit)
	};
	diag_warning(b->diag, conf_key_pos(s, "Device"),
		     "[Partition %s]: fstab mounts the same device on %s; it is mounted once, as "
		     "declared here, and bound there",
		     s->name, e->dir);
	return 0;
}

/* By another name for the same device it cannot be seen here. */
static int find_fstab_duplicates(struct building *b)
{
	for (size_t i = 0; i < b->fstab.n; i++) {
		const struct fstab_entry *e = b->fstab.entries[i];
		_cleanup_free_ char *device = NULL;
		int err = unit_name_device_path(e->spec, &device);

		if (err == -ENOMEM)
			return err;
		if (!device || fstab_has_option(e->options, "noauto") || fstab_is_initrd(e) ||
		    claims_find(b->claims, b->n_claims, e->dir))
			continue;
		for (size_t k = 0; k < b->plan.n_partitions; k++) {
			const struct plan_partition *q = &b->plan.partitions[k];

			if (!q->conf || strcmp(q->device_path, device) != 0)
				continue;
			err = add_fstab_duplicate(b, e, k);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

static void warn_unused(struct building *b)
{
	for (size_t i = 0; i < b->plan.n_partitions; i++) {
		const struct conf_section *s = &b->plan.conf->partitions[i]->section;

		if (b->plan.partitions[i].where && !b->plan.partitions[i].conf)
			diag_warning(
				b->diag, s->pos,
				"[Partition %s] is used by no [Persist] and no [Overlay]; it is not mounted",
				s->name);
	}
}

int plan_persists(struct building *b)
{
	struct plan *p = &b->plan;
	int err;

	for (size_t i = 0; i < b->n_claims; i++) {
		const struct claim *c = &b->claims[i];
		struct plan_persist persist = { 0 };

		if (c->refused || c->section->kind != CONF_PERSIST)
			continue;
		err = array_reserve(p->persists, p->n_persists);
		if (err < 0)
			return err;

		persist.conf = (const struct conf_persist *)c->section;
		err = plan_persist(b, c, &persist);
		if (err < 0)
			plan_persist_done(&persist);
		if (err < 0 && err != -EBADMSG)
			return err;
		if (err >= 0)
			p->persists[p->n_persists++] = persist;
	}

	warn_unused(b);
	return find_fstab_duplicates(b);
}
