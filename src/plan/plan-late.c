/* SPDX-License-Identifier: MIT */
/* Sections that need a mount of fstab which is there only after local-fs.target. */
#include "plan/plan-late.h"

#include <string.h>

#include "basic/text.h"
#include "plan/late-unit.h"

/* Why a mount is late; the second half of a message. */
static int tell_late(struct building *b, const struct late_mount *late)
{
	if (late->unit)
		diag_note(b->diag, fstab_pos(late->entry),
			  "%s, which starts after local-fs.target, is named here", late->unit);
	else
		diag_note(b->diag, fstab_pos(late->entry), "%s is mounted here", late->entry->dir);
	return -EBADMSG;
}

int plan_check_lower_early(struct building *b, const struct conf_section *s, const char *path)
{
	_cleanup_late_mount_ struct late_mount late = { 0 };
	int err = late_mount_above(b->plan.facts, &b->fstab, path, &late);

	if (err < 0 || !late.entry)
		return err;
	if (!late.unit)
		return diag_error(
			b->diag, s->pos,
			"[Overlay %s]: %s mounts %s %s, too late for it to be the lower of an "
			"overlay",
			s->name, fstab_origin(late.entry), late.entry->dir,
			file_system_needs_to_string(late.needs));
	diag_error(
		b->diag, s->pos,
		"[Overlay %s]: %s mounts %s after %s, which starts after local-fs.target, too late for it "
		"to be the lower of an overlay; expected a unit that starts earlier (a service with "
		"DefaultDependencies=no)",
		s->name, fstab_origin(late.entry), late.entry->dir, late.unit);
	diag_note(b->diag, fstab_pos(late.entry), "%s is named here", late.unit);
	return -EBADMSG;
}

/*
 * The mount would wait for itself. fstab's own unit would too; but the overlay, which comes after the
 * lower and before the same unit, would go down with it.
 */
int plan_check_lower_not_first(struct building *b, const struct conf_section *s,
			       const struct fstab_entry *e)
{
	_cleanup_free_ char *unit = NULL;
	int err = early_unit_of_fstab(b->plan.facts, e, &unit);

	if (err < 0 || !unit)
		return err;
	diag_error(b->diag, s->pos,
		   "[Overlay %s]: %s mounts %s before %s, which has to start before any device is "
		   "mounted; expected a unit that starts after local-fs-pre.target",
		   s->name, fstab_origin(e), e->dir, unit);
	diag_note(b->diag, fstab_pos(e), "%s is named here", unit);
	return -EBADMSG;
}

int plan_check_persist_early(struct building *b, const struct conf_section *s, const char *path)
{
	_cleanup_late_mount_ struct late_mount late = { 0 };
	_cleanup_free_ char *parent = NULL;
	int err;

	err = text_format(&parent, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (err >= 0)
		err = late_mount_above(b->plan.facts, &b->fstab, parent, &late);
	if (err < 0 || !late.entry)
		return err;
	/* fstab has a daemon started where it mounts the path, before anything below it. */
	if (!late.unit && late.needs != NEEDS_NETWORK)
		return 0;
	diag_error(
		b->diag, s->pos,
		"[Persist %s]: %s mounts %s %s%s, too late for a persist below it; expected a path outside "
		"of it",
		s->name, fstab_origin(late.entry), late.entry->dir,
		late.unit ? "after " : file_system_needs_to_string(late.needs),
		late.unit ? late.unit : "");
	return tell_late(b, &late);
}

int plan_check_populate_early(struct building *b, const struct conf_section *s, const char *path)
{
	_cleanup_late_mount_ struct late_mount late = { 0 };
	int err = late_mount_above(b->plan.facts, &b->fstab, path, &late);

	if (err < 0 || !late.entry)
		return err;
	diag_error(b->diag, conf_key_pos(s, "Populate"),
		   "[Persist %s]: %s mounts %s %s%s, too late for Populate=yes to copy it", s->name,
		   fstab_origin(late.entry), late.entry->dir,
		   late.unit ? "after " : file_system_needs_to_string(late.needs),
		   late.unit ? late.unit : "");
	return tell_late(b, &late);
}
