/* SPDX-License-Identifier: MIT */
/* The mount flags that overlays and persists have from elsewhere. */
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "plan/mount-flags.h"
#include "rofs/check/check.h"

static void check_read_only(struct checking *c, const struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;

	if (o->from_lower & MOUNT_READ_ONLY)
		check_add(
			c, PROBLEM_OVERLAY_INHERITS_READ_ONLY, s, fstab_pos(o->lower_entry),
			"[Overlay %s] is read-only, as %s mounts %s with ro; Options=rw makes it writable",
			s->name, fstab_origin(o->lower_entry), o->lower_entry->dir);
}

static void check_nosuid(struct checking *c, const struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;

	if (((o->from_lower | o->from_partition) & MOUNT_NOSUID) &&
	    path_is_at_or_below(o->path, "/usr"))
		check_add(
			c, PROBLEM_OVERLAY_INHERITS_NOSUID, s, s->pos,
			"[Overlay %s] is mounted with nosuid, so sudo and other set-user-ID programs "
			"below it fail; Options=suid allows them",
			s->name);
}

static int flag_words(unsigned flags, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	mount_flags_add(&b, flags);
	return strbuf_take(&b, ret);
}

/* @from: where the flags are from; at @pos they can be changed. */
static int tell(struct checking *c, const struct plan_overlay *o, unsigned flags, struct pos pos,
		const char *from)
{
	const struct conf_section *s = &o->conf->section;
	_cleanup_free_ char *words = NULL;
	int err;

	flags &= ~(unsigned)MOUNT_READ_ONLY;
	if (!flags)
		return 0;
	err = flag_words(flags, &words);
	if (err < 0)
		return err;
	check_add(c, PROBLEM_FLAGS_INHERITED, s, pos,
		  "[Overlay %s] is mounted with %s, as is %s; Options= of the overlay can override "
		  "this",
		  s->name, words, from);
	return 0;
}

static int tell_partition(struct checking *c, const struct plan_overlay *o)
{
	const struct conf_partition *p = c->l->conf.partitions[o->partition];
	_cleanup_free_ char *from = NULL;
	int err = text_format(&from, "[Partition %s]", p->section.name);

	return err < 0 ? err :
			 tell(c, o, o->from_partition, conf_key_pos(&p->section, "Options"), from);
}

static int tell_persist(struct checking *c, const struct plan_persist *p)
{
	const struct conf_section *s = &p->conf->section;
	_cleanup_free_ char *words = NULL;
	int err = p->from_fstab ? flag_words(p->from_fstab, &words) : 0;

	if (words)
		check_add(c, PROBLEM_FLAGS_INHERITED, s, fstab_pos(p->fstab_entry),
			  "[Persist %s] is mounted with %s, as in its entry in %s", s->name, words,
			  fstab_origin(p->fstab_entry));
	return err;
}

int check_flags(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		int err = 0;

		check_read_only(c, o);
		check_nosuid(c, o);
		if (o->from_lower)
			err = tell(c, o, o->from_lower, fstab_pos(o->lower_entry),
				   o->lower_entry->dir);
		if (err >= 0 && o->from_partition)
			err = tell_partition(c, o);
		if (err < 0)
			return err;
	}
	for (size_t i = 0; i < p->n_persists; i++)
		if (tell_persist(c, &p->persists[i]) < 0)
			return -ENOMEM;
	return 0;
}
