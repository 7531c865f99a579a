/* SPDX-License-Identifier: MIT */
/* Quota that fstab enables, but that does not count what is written to its paths. */
#include <string.h>

#include "plan/fstab.h"
#include "plan/quota.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"

static int quota_words(const char *options, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	quota_add_options(&b, options);
	return strbuf_take(&b, ret);
}

/* One for the line, whatever is on it: it is about the whole root. */
static int check_root_entry(struct checking *c, const struct fstab_entry *e)
{
	_cleanup_free_ char *words = NULL;
	int err = quota_words(e->options, &words);

	if (err >= 0)
		check_add(c, PROBLEM_QUOTA_NOT_ENFORCED, NULL, fstab_pos(e),
			  "%s has no effect on %s, which rofs keeps read-only, and quota is not "
			  "enforced on the overlays; remove it here",
			  words, e->dir);
	return err;
}

/* @e: mounts the lower. If it is mounted elsewhere too, quota still counts what is written there. */
static int check_overlay(struct checking *c, const struct plan_overlay *o,
			 const struct fstab_entry *e)
{
	const struct conf_section *s = &o->conf->section;
	bool taken_over = strcmp(e->dir, o->path) == 0;
	_cleanup_free_ char *words = NULL;
	int err = quota_words(e->options, &words);

	if (err >= 0)
		check_add(c, PROBLEM_QUOTA_NOT_ENFORCED, s, fstab_pos(e),
			  "[Overlay %s]: quota is not enforced on the overlay: %s applies to the "
			  "file system on %s, to which the overlay does not write; %s",
			  s->name, words, e->dir,
			  taken_over ? "remove it here" :
				       "expected a [Persist] on a partition with quota where it "
				       "is needed");
	return err;
}

/* The entry with quota options for the lower of an overlay; NULL: there is none. */
static const struct fstab_entry *quota_below(const struct checking *c, const struct plan_overlay *o)
{
	const struct fstab_entry *e = o->lower_entry,
				 *source = e ? fstab_shown(&c->mounts, e) : NULL;

	if (source && quota_has_options(source->options))
		e = source;
	if (!e || !quota_has_options(e->options) ||
	    (c->l->plan.n_remounts > 0 && fstab_is_kept_read_only(e)))
		return NULL;
	return e;
}

/* fstab mounts the device of a partition, whose Options= replace those of the entry. */
static int check_device(struct checking *c, const struct fstab_entry *e,
			const struct plan_partition *p)
{
	const struct conf_section *s = &p->conf->section;
	_cleanup_free_ char *words = NULL, *path = NULL;
	int err = 0;

	if (!e || !quota_has_options(e->options) || quota_has_options(p->conf->options))
		return 0;
	err = unit_name_device_path(e->spec, &path);
	if (err >= 0 && strcmp(path, p->device_path) == 0)
		err = quota_words(e->options, &words);
	if (words)
		check_add(c, PROBLEM_QUOTA_NOT_ENFORCED, s, fstab_pos(e),
			  "%s has no effect on %s, where rofs mounts [Partition %s] with its own "
			  "options; expected it in Options= there",
			  words, e->dir, s->name);
	return err == -EINVAL ? 0 : err;
}

static int check_partitions_of_fstab(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		err = check_device(c, p->persists[i].fstab_entry,
				   &p->partitions[p->persists[i].partition]);
	for (size_t i = 0; i < p->n_fstab_duplicates && err >= 0; i++)
		err = check_device(c, p->fstab_duplicates[i].entry,
				   &p->partitions[p->fstab_duplicates[i].partition]);
	return err;
}

/* Of / and /usr, the entries that are remounted without it. */
static int check_remounts(struct checking *c)
{
	const struct fstab_index *x = &c->mounts;
	int err = 0;

	if (x->root && quota_has_options(x->root->options))
		err = check_root_entry(c, x->root);
	for (size_t i = 0; i < x->n && err >= 0; i++)
		if (fstab_is_kept_read_only(x->entries[i]) &&
		    quota_has_options(x->entries[i]->options))
			err = check_root_entry(c, x->entries[i]);
	return err;
}

int check_quota(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = p->n_remounts > 0 ? check_remounts(c) : 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++) {
		const struct fstab_entry *e = quota_below(c, &p->overlays[i]);

		err = e ? check_overlay(c, &p->overlays[i], e) : 0;
	}
	return err < 0 ? err : check_partitions_of_fstab(c);
}
