/* SPDX-License-Identifier: MIT */
/* Entries in fstab for the device of a partition, which is mounted only once. */
#include "plan/plan-fstab-duplicates.h"

#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/devices.h"
#include "plan/late-unit.h"
#include "plan/mount-flags.h"
#include "plan/plan-partition-units.h"
#include "plan/subvolume.h"
#include "plan/unit-name.h"

/* One of several that have the same effect on a bind, or that Options= of the partition cannot say. */
static bool is_kept_otherwise(const char *option)
{
	static const char *const names[] = { "relatime",   "noatime", "strictatime", "atime",
					     "nodiratime", "subvol",  "subvolid",    "async" };

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (fstab_has_option(option, names[i]))
			return true;
	return mount_flags_named(option) || strncmp(option, "X-", 2) == 0;
}

/* What the line says about the file system and Options= does not. @ret: NULL: nothing. */
static int lost_options(const struct fstab_entry *e, const char *kept, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *options = NULL;
	int err = fstab_options_read_only(e->options, &options);

	if (err < 0)
		return err;
	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);
		_cleanup_free_ char *option = strndup(s, n);

		if (!option)
			return -ENOMEM;
		if (!is_kept_otherwise(option) && !fstab_has_word(kept, option))
			strbuf_addf(&b, "%s%s", b.len ? "," : "", option);
		s += n + (s[n] == ',');
	}
	return b.len || b.failed ? strbuf_take(&b, ret) : 0;
}

/* The flags of the line are those of the bind. */
static int tell_lost_options(struct building *b, const struct fstab_entry *e, size_t partition)
{
	const struct conf_partition *c = b->plan.partitions[partition].conf;
	_cleanup_free_ char *lost = NULL;
	int err = lost_options(e, c->options, &lost);

	if (err >= 0 && lost)
		diag_warning(b->diag, conf_key_pos(&c->section, "Device"),
			     "[Partition %s]: %s mounts the same device on %s with %s, which has "
			     "no effect: rofs mounts it once, and binds it there; expected %s in "
			     "Options= as well",
			     c->section.name, fstab_origin(e), e->dir, lost, lost);
	return err;
}

static int add_fstab_duplicate(struct building *b, const struct fstab_entry *e, size_t partition)
{
	struct plan *p = &b->plan;
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
	return tell_lost_options(b, e, partition);
}

/* Of a unit that the entry waits for: rofs would have an ordering cycle. @why, @expected: of the message */
static void tell_not_waited_for(struct building *b, const struct fstab_entry *e,
				const struct conf_section *s, const char *unit, const char *why,
				const char *expected)
{
	diag_warning(
		b->diag, conf_key_pos(s, "Device"),
		"[Partition %s]: fstab mounts the same device after %s, which %s; rofs does not "
		"wait for it; expected %s",
		s->name, unit, why, expected);
	diag_note(b->diag, fstab_pos(e), "%s is named here", unit);
}

static int keep_maker(struct building *b, const struct fstab_entry *e, size_t partition,
		      const struct plan_dependency *d)
{
	const struct conf_section *s = &b->plan.conf->partitions[partition]->section;
	bool itself;
	int err = plan_unit_waits_for_partition(b, d->name, s, &itself);

	if (err < 0)
		return err;
	/* It needs a mount that rofs makes from the partition. */
	if (itself) {
		tell_not_waited_for(b, e, s, d->name, "waits for the partition itself",
				    "a unit that does not need the partition");
		return 0;
	}
	return dependencies_add_words(&b->plan.partitions[partition].dependencies, d->kind,
				      d->name);
}

/* Such as an iSCSI disk. A partition is a local file system, and the network waits for these. */
static void tell_from_network(struct building *b, const struct fstab_entry *e, size_t partition)
{
	const struct conf_section *s = &b->plan.conf->partitions[partition]->section;

	diag_warning(
		b->diag, conf_key_pos(s, "Device"),
		"[Partition %s]: fstab mounts the same device from the network, which comes up after "
		"local-fs.target; each boot waits for Timeout= and goes on without the partition; expected "
		"a device that does not need the network",
		s->name);
	diag_note(b->diag, fstab_pos(e), "%s is named here", e->spec);
}

/* Mounts are left out: one may be of an overlay whose changes are on the partition. */
static bool makes_device(const struct plan_dependency *d)
{
	return (d->kind == DEPENDENCY_REQUIRES || d->kind == DEPENDENCY_WANTS ||
		d->kind == DEPENDENCY_AFTER) &&
	       strcmp(strrchr(d->name, '.'), ".mount") != 0;
}

/* What makes the device for fstab makes it for the partition as well. */
static int keep_makers(struct building *b, const struct fstab_entry *e, size_t partition)
{
	struct plan_dependencies *to = &b->plan.partitions[partition].dependencies;
	_cleanup_dependencies_ struct plan_dependencies d = { 0 };
	const char *late = NULL;
	int err;

	err = dependencies_add_fstab(&d, e, b->diag);
	if (err >= 0)
		late = late_unit_of(b->plan.facts, &d);
	if (late)
		tell_not_waited_for(b, e, &b->plan.conf->partitions[partition]->section, late,
				    "starts after local-fs.target",
				    "a unit that starts earlier (a service with "
				    "DefaultDependencies=no)");
	for (size_t i = 0; i < d.n && err >= 0 && !late; i++)
		if (makes_device(&d.list[i]))
			err = keep_maker(b, e, partition, &d.list[i]);
	return err < 0 ? err : dependencies_simplify(to);
}

/* Is it mounted by fstab as well, where nothing is declared? Another subvolume would have other files. */
static int is_fstab_duplicate(const struct building *b, const struct fstab_entry *e,
			      size_t partition)
{
	int shown;

	if (fstab_has_option(e->options, "noauto") || fstab_is_initrd(e) ||
	    claims_find(b->claims, b->n_claims, e->dir))
		return 0;
	shown = subvolume_compare(e->options, b->plan.partitions[partition].conf->options);
	return shown < 0 ? shown : shown == SUBVOLUMES_SAME;
}

/* By another name for the same device it cannot be seen here. */
int plan_fstab_duplicates(struct building *b)
{
	for (size_t i = 0; i < b->fstab.n; i++) {
		const struct fstab_entry *e = b->fstab.entries[i];
		size_t partition;
		int err = devices_find(b, e->spec, &partition), duplicate;

		if (err < 0)
			return err;
		if (partition == NO_INDEX || !b->plan.partitions[partition].conf)
			continue;
		if (fstab_is_network(e))
			tell_from_network(b, e, partition);
		err = keep_makers(b, e, partition);
		if (err < 0)
			return err;
		duplicate = is_fstab_duplicate(b, e, partition);
		err = duplicate > 0 ? add_fstab_duplicate(b, e, partition) : duplicate;
		if (err < 0)
			return err;
	}
	return 0;
}
