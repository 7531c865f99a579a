/* SPDX-License-Identifier: MIT */
/* What writes the changes of an overlay to its lower, at the times of CommitAt= or by hand. */
#include "plan/plan-commit.h"

#include <string.h>

#include "plan/plan-names.h"
#include "plan/unit-name.h"

/* rofs-commit-var-log.timer, and .service */
static int name_commit(struct building *b, struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "/rofs/commit%s", o->path);

	if (err >= 0)
		err = plan_name_unit(b, s, path, ".timer", &o->commit_timer);
	return err < 0 ? err : plan_name_unit(b, s, path, ".service", &o->commit_service);
}

/* rofs-finish-home.service. Its name may be too long where that of the mount is not. */
static int name_finish(struct building *b, struct plan_overlay *o)
{
	struct plan_lower *l = o->lower_is_root ? NULL : &b->plan.lowers[o->lower_mount];
	_cleanup_free_ char *path = NULL;
	int err;

	if (!l || l->finish_unit)
		return 0;
	err = text_format(&path, "/rofs/finish%s", l->entry->dir);
	return err < 0 ? err :
			 plan_name_unit(b, &o->conf->section, path, ".service", &l->finish_unit);
}

int plan_commits(struct building *b, struct plan_overlay *o)
{
	bool at_times = false;
	size_t n;
	int err;

	if (o->on_partition)
		return 0;
	for (const char *s = o->conf->commit_at; s && (s = conf_next_time(s, &n)); s += n) {
		o->commit_at_shutdown = o->commit_at_shutdown || conf_is_shutdown(s, n);
		at_times = at_times || !conf_is_shutdown(s, n);
	}
	err = at_times ? name_commit(b, o) : 0;
	return err < 0 ? err : name_finish(b, o);
}

/* Is it the file system of a device that the boot mounts, and no lower, which has a unit of its own? */
static bool may_be_changed(const struct building *b, const struct fstab_entry *e)
{
	const struct plan *p = &b->plan;
	size_t lower = b->lower_of[e - p->facts->fstab];

	/* Of several entries, the one that counts; not the root; none that waits for its first use. */
	if (fstab_at_or_above(&b->fstab, e->dir) != e || fstab_is_automount(e))
		return false;
	if (claims_find(b->claims, b->n_claims, e->dir))
		return false;
	return !fstab_is_in_ram(e) && !fstab_is_bind(e) && !fstab_is_network(e) &&
	       (lower == NO_INDEX || !p->lowers[lower].finish_unit);
}

static int add_finish(struct building *b, const struct fstab_entry *e)
{
	struct plan *p = &b->plan;
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "/rofs/finish%s", e->dir);

	if (err >= 0)
		err = array_reserve(p->finishes, p->n_finishes);
	if (err < 0)
		return err;
	p->finishes[p->n_finishes] = (struct plan_finish){ .entry = e };
	err = unit_name_from_path(path, ".service", &p->finishes[p->n_finishes].unit);
	if (err < 0) /* systemd could not name it either */
		return err == -ENOMEM ? err : 0;
	p->n_finishes++;
	return 0;
}

int plan_finishes(struct building *b)
{
	const struct facts *f = b->plan.facts;
	int err = 0;

	if (!f->commit_is_pending || b->plan.n_pools == 0)
		return 0;
	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		if (may_be_changed(b, &f->fstab[i]))
			err = add_finish(b, &f->fstab[i]);
	return err;
}
