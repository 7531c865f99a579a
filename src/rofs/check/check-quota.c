/* SPDX-License-Identifier: MIT */
/* Quota that fstab switches on where nothing is written any more. */
#include "plan/fstab.h"
#include "plan/quota.h"
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

static int check_overlay(struct checking *c, const struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;
	_cleanup_free_ char *words = NULL;
	int err = quota_words(o->lower_entry->options, &words);

	if (err >= 0)
		check_add(c, PROBLEM_QUOTA_NOT_ENFORCED, s, fstab_pos(o->lower_entry),
			  "[Overlay %s]: quota is not enforced on the overlay: %s is about the "
			  "file system on %s, to which the overlay does not write; remove it here",
			  s->name, words, o->lower_entry->dir);
	return err;
}

/* Of / and /usr, the entries that are remounted without it. */
static int check_remounts(struct checking *c)
{
	const struct facts *f = &c->l->facts;
	_cleanup_fstab_index_ struct fstab_index x = { 0 };
	int err = fstab_index_build(f, &x);

	if (err >= 0 && x.root && quota_has_options(x.root->options))
		err = check_root_entry(c, x.root);
	for (size_t i = 0; i < x.n && err >= 0; i++)
		if (fstab_is_kept_read_only(x.entries[i]) &&
		    quota_has_options(x.entries[i]->options))
			err = check_root_entry(c, x.entries[i]);
	return err;
}

int check_quota(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = p->n_remounts > 0 ? check_remounts(c) : 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++) {
		const struct fstab_entry *e = p->overlays[i].lower_entry;

		if (e && !(p->n_remounts > 0 && fstab_is_kept_read_only(e)) &&
		    quota_has_options(e->options))
			err = check_overlay(c, &p->overlays[i]);
	}
	return err;
}
