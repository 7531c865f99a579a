/* SPDX-License-Identifier: MIT */
/* The partitions. */
#include "plan/plan-partition.h"

#include <string.h>

#include "basic/file-system.h"
#include "plan/devices.h"
#include "plan/left-out.h"
#include "plan/mount-flags.h"
#include "plan/plan-names.h"
#include "plan/plan-partition-cycles.h"
#include "plan/plan-partition-units.h"
#include "plan/unit-name.h"

static void mark_named(struct building *b, const char *partition)
{
	const struct conf_section *s = conf_find(b->plan.conf, CONF_PARTITION, partition);

	if (s)
		b->left_outs->named[s->index] = true;
}

/* Of more partitions, a script has written the names. */
#define ADVICE_MAX 256u

static int unknown_partition(struct building *b, const struct conf_section *s, const char *name,
			     struct pos at)
{
	const struct conf *conf = b->plan.conf;
	const char *names[ADVICE_MAX], *near = NULL, *kind = conf_kind_to_string(s->kind);
	const struct pos *lost = diag_is_full(b->diag) ? NULL : conf_find_lost(conf, name);

	if (lost) {
		diag_error(b->diag, at, "[%s %s]: there is no [Partition %s]", kind, s->name, name);
		diag_note(b->diag, *lost, "this line may be meant as its header");
		return -EBADMSG;
	}
	if (conf->n_partitions <= ADVICE_MAX && !diag_is_full(b->diag)) {
		for (size_t i = 0; i < conf->n_partitions; i++)
			names[i] = conf->partitions[i]->section.name;
		near = text_closest(name, names, conf->n_partitions);
	}
	if (near)
		mark_named(b, near);
	if (near)
		return diag_error(b->diag, at,
				  "[%s %s]: there is no [Partition %s]; did you mean %s?", kind,
				  s->name, name, near);
	return diag_error(b->diag, at, "[%s %s]: there is no [Partition %s]", kind, s->name, name);
}

int plan_find_partition(struct building *b, const struct conf_section *s, const char *name,
			struct pos at, size_t *ret)
{
	const struct conf_section *found = conf_find(b->plan.conf, CONF_PARTITION, name);

	if (!found)
		return unknown_partition(b, s, name, at);
	if (!b->plan.partitions[found->index].where) {
		diag_error(
			b->diag, at,
			"[%s %s] is ignored too: it requires [Partition %s], which contains an error",
			conf_kind_to_string(s->kind), s->name, name);
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
			"[Partition %s]: Format=yes without Type=; expected the type of file system to create",
			s->name);
	if (file_system_by_name(c->type)->read_only)
		return diag_error(
			b->diag, conf_key_pos(s, "Format"),
			"[Partition %s]: Format=yes with Type=%s, which is read-only; expected a type such as "
			"ext4",
			s->name, c->type);
	if (is_named_by_content(c->device))
		return diag_error(
			b->diag, conf_key_pos(s, "Format"),
			"[Partition %s]: Format=yes with Device=%s, which a blank partition does not have; "
			"expected /dev/..., PARTLABEL= or PARTUUID=",
			s->name, c->device);
	return 0;
}

bool plan_partition_is_read_only(const struct conf_partition *c)
{
	return mount_flags(c->options) & MOUNT_READ_ONLY || file_system_by_name(c->type)->read_only;
}

/* Writes to the persists on it fail. */
static void check_type_writable(struct building *b, const struct conf_partition *c)
{
	if (file_system_by_name(c->type)->read_only && !(mount_flags(c->options) & MOUNT_READ_ONLY))
		diag_warning(b->diag, conf_key_pos(&c->section, "Type"),
			     "[Partition %s]: Type=%s is read-only; expected ro in Options=, or "
			     "another type",
			     c->section.name, c->type);
}

bool plan_partition_keeps_owners(const struct conf_partition *c)
{
	return !file_system_by_name(c->type)->no_owners;
}

/* What systemd-growfs grows (src/partition/growfs.c); what is found on the device it sees itself. */
static bool can_grow(struct building *b, const struct conf_partition *c)
{
	static const char *const types[] = { "auto", "ext2", "ext3", "ext4", "xfs", "btrfs" };

	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strcmp(c->type, types[i]) == 0)
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
	_cleanup_free_ char *format = NULL, *grow = NULL;
	int err;

	if (c->format) {
		err = check_format(b, c);
		if (err < 0)
			return err;
		err = text_format(&format, "/rofs/format/%s", c->section.name);
		if (err < 0)
			return err;
		err = plan_name_unit(b, &c->section, format, ".service", &p->format_unit);
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
				  "[Partition %s]: Device=%s does not name a device",
				  c->section.name, c->device);
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
	check_type_writable(b, c);
	err = plan_format_and_grow(b, c, p);
	if (err < 0)
		return err;
	err = plan_partition_units(b, c, &p->dependencies);
	if (err < 0)
		return err;
	err = text_format(&p->where, "/rofs/persist/%s", c->section.name);
	if (err < 0)
		return err;
	return plan_name_unit(b, &c->section, p->where, ".mount", &p->unit);
}

/*
 * One device, two sections: the file system would be mounted twice with options that fight each
 * other.
 */
static int refuse_same_device(struct building *b)
{
	struct conf_partition *const *conf = b->plan.conf->partitions;
	const struct device *first = NULL;
	int err = devices_index(b);

	if (err < 0)
		return err;
	for (size_t i = 0; i < b->n_devices; i++) {
		const struct device *next = &b->devices[i];
		const struct conf_section *s = &conf[next->partition]->section;

		if (!b->plan.partitions[next->partition].where)
			continue;
		if (!first || strcmp(first->path, next->path) != 0) {
			first = next;
			continue;
		}
		diag_error(
			b->diag, conf_key_pos(s, "Device"),
			"[Partition %s] has the same Device= as [Partition %s]; persists can share one section",
			s->name, conf[first->partition]->section.name);
		plan_partition_done(&b->plan.partitions[next->partition]);
	}
	devices_drop_twice(b);
	return 0;
}

/*
 * Plans all of them; which are used is known when the overlays and persists have asked for theirs.
 */
int plan_partitions(struct building *b)
{
	const struct conf *conf = b->plan.conf;
	struct plan *p = &b->plan;
	int err;

	p->partitions = calloc(conf->n_partitions + 1, sizeof(*p->partitions));
	if (!p->partitions)
		return -ENOMEM;

	p->n_partitions = conf->n_partitions;
	for (size_t i = 0; i < p->n_partitions; i++) {
		struct plan_partition *partition = &p->partitions[i];

		if (conf->partitions[i]->section.invalid)
			continue;
		partition->prepare = NO_INDEX;
		err = plan_partition(b, conf->partitions[i], partition);
		if (err < 0)
			plan_partition_done(partition);
		if (err < 0 && err != -EBADMSG)
			return err;
	}
	err = refuse_same_device(b);
	return err < 0 ? err : plan_partition_cycles(b);
}

/*
 * Nobody uses a partition whose users are left out; but what is to be mended then are they. So it is
 * enough that one names it, or that one may have.
 */
int plan_unused_partitions(struct building *b)
{
	const struct conf *conf = b->plan.conf;

	if (conf->unreadable)
		return 0;
	for (size_t i = 0; i < conf->n_mentioned; i++)
		mark_named(b, conf->mentioned[i]);
	for (size_t i = 0; i < conf->n_overlays; i++)
		if (conf->overlays[i]->partition)
			mark_named(b, conf->overlays[i]->partition);
	for (size_t i = 0; i < conf->n_persists; i++) {
		if (!conf->persists[i]->partition)
			return 0; /* it is left out, and may mean any */
		mark_named(b, conf->persists[i]->partition);
	}

	for (size_t i = 0; i < conf->n_partitions; i++) {
		const struct conf_section *s = &conf->partitions[i]->section;

		if (b->plan.partitions[i].where && !b->left_outs->named[i])
			diag_warning(
				b->diag, s->pos,
				"[Partition %s]: no [Persist] or [Overlay] uses it, so it is not mounted",
				s->name);
	}
	return 0;
}
