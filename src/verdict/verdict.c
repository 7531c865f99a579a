/* SPDX-License-Identifier: MIT */
#include "verdict/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/fstab.h"

struct comparing {
	const struct plan *plan;
	const struct observed *observed;
	struct verdict verdict;
	bool failed; /* out of memory */
};

void verdict_done(struct verdict *v)
{
	for (size_t i = 0; i < v->n_problems; i++)
		free(v->problems[i].text);
	free(v->problems);
	free(v->overlays);
	free(v->persists);
	free(v->partitions);
	*v = (struct verdict){ 0 };
}

const char *verdict_state_to_string(enum verdict_state s)
{
	switch (s) {
	case VERDICT_PROTECTED:
		return "protected";
	case VERDICT_PARTIAL:
		return "partial";
	case VERDICT_OFF:
		return "off";
	}
	return "partial";
}

/* A source of a mount may hold anything; these sentences go to terminals and logs. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* Takes @text over. Returns the problem, for its units, or NULL. */
static struct problem *add_text(struct comparing *c, bool broken, char *text)
{
	struct verdict *v = &c->verdict;

	if (!text || array_reserve(v->problems, v->n_problems) < 0) {
		free(text);
		c->failed = true;
		return NULL;
	}

	make_printable(text);
	v->problems[v->n_problems] = (struct problem){ .broken = broken, .text = text };
	v->n_broken += broken;
	return &v->problems[v->n_problems++];
}

static struct problem *_printf_(3, 4) add(struct comparing *c, bool broken, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	return add_text(c, broken, n < 0 ? NULL : text);
}

#define broken(c, ...)	add((c), true, __VA_ARGS__)
#define warning(c, ...) add((c), false, __VA_ARGS__)

static void add_unit(struct problem *p, const char *unit)
{
	if (p && unit && p->n_units < PROBLEM_UNITS_MAX)
		p->units[p->n_units++] = unit;
}

static void compare_configuration(struct comparing *c, const struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		char *line;

		if (d->entries[i].level != DIAG_ERROR)
			continue;
		add_text(c, true, diag_format(&d->entries[i], &line) < 0 ? NULL : line);
	}
	if (d->failed)
		broken(c, "out of memory: some mistakes in rofs.conf could not be told");
}

/* Another mount through which this file system can be written. */
static const struct observed_mount *find_writable(const struct observed *s,
						  const struct observed_mount *m)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!s->mounts[i].read_only && observed_same_fs(&s->mounts[i], m))
			return &s->mounts[i];
	return NULL;
}

static void compare_read_only(struct comparing *c, const char *path)
{
	const struct observed_mount *m = observed_at(c->observed, path), *other;

	if (!m || m->fs_read_only)
		return;
	if (!m->read_only) {
		add_unit(broken(c,
				"%s is writable: what programs write there wears the flash; "
				"mount -o remount,ro %s makes it read-only again",
				path, path),
			 "systemd-remount-fs.service");
		return;
	}
	other = find_writable(c->observed, m);
	if (other)
		broken(c,
		       "%s refuses writes, but its file system can be written through the mount on %s",
		       path, other->target);
	else
		broken(c,
		       "%s refuses writes, but its file system is not read-only: something in another "
		       "mount namespace writes to it, or has",
		       path);
}

static const struct plan_overlay *find_overlay(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (strcmp(p->overlays[i].path, path) == 0)
			return &p->overlays[i];
	return NULL;
}

static void compare_root(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_remounts; i++) {
		const struct plan_remount *r = &c->plan->remounts[i];

		const char *dir = r->entry ? r->entry->dir : "/";

		/* An overlay on /usr is meant to be writable; what is below it is looked at there. */
		if (r->options && !find_overlay(c->plan, dir))
			compare_read_only(c, dir);
	}
}

static void compare_lower_root(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, "/rofs/ro");

	if (c->plan->n_pools == 0)
		return;
	if (!m)
		add_unit(broken(c, "/rofs/ro, where the untouched system is seen, is not mounted"),
			 "rofs-ro.mount");
	else if (!m->read_only && !m->fs_read_only)
		broken(c, "/rofs/ro is writable: what is written there goes to the flash");
}

static void compare_lowers(struct comparing *c)
{
	for (size_t i = 0; i < c->plan->n_lowers; i++) {
		const struct plan_lower *l = &c->plan->lowers[i];
		const struct observed_mount *m = observed_mounted_at(c->observed, l->where);
		struct problem *p;

		if (m && (m->read_only || m->fs_read_only))
			continue;
		p = m ? broken(c, "%s is writable: what is written there goes to the flash",
			       l->where) :
			broken(c, "%s, which fstab has for %s, is not mounted on %s",
			       l->entry->spec, l->entry->dir, l->where);
		add_unit(p, l->device_unit);
		add_unit(p, l->fsck_unit);
		add_unit(p, l->unit);
	}
}

/* The overlay mounted on @path, if it is there and its changes are kept on a partition. */
static const struct plan_overlay *find_kept(const struct comparing *c, const char *path)
{
	const struct plan_overlay *o = find_overlay(c->plan, path);

	return o && o->on_partition && c->verdict.overlays[o - c->plan->overlays] ? o : NULL;
}

/* What becomes of writes to @path, where something declared is missing. */
static char *consequence(const struct comparing *c, const char *path)
{
	const struct observed_mount *m = observed_at(c->observed, path);
	const struct plan_overlay *kept = m ? find_kept(c, m->target) : NULL;
	char *text;
	int n;

	if (!m || m->read_only || m->fs_read_only)
		n = asprintf(&text, "writes there fail");
	else if (kept)
		n = asprintf(&text, "what is written there goes to partition %s, with %s",
			     c->plan->partitions[kept->partition].conf->section.name, m->target);
	else if (observed_is_volatile(m) && strcmp(m->target, path) != 0)
		n = asprintf(&text,
			     "what is written there goes to RAM, with %s, and is lost at power-off",
			     m->target);
	else if (observed_is_volatile(m))
		n = asprintf(&text, "what is written there goes to RAM and is lost at power-off");
	else
		n = asprintf(&text, "what is written there goes to %s", m->source);
	return n < 0 ? NULL : text;
}

static bool is_our_overlay(const struct observed_mount *m)
{
	return strcmp(m->type, "overlay") == 0 && strcmp(m->source, "rofs") == 0;
}

static bool has_mount(const struct observed *s, const char *path, const struct observed_mount *of)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].target, path) == 0 && observed_same_fs(&s->mounts[i], of))
			return true;
	return false;
}

/* Something else is at the path of @what; @ours, if mounted, is what should be. */
static struct problem *tell_covered(struct comparing *c, const char *path, const char *what)
{
	const struct observed_mount *m = observed_at(c->observed, path);

	return broken(c, "%s on %s is covered: %s (%s) is mounted over it, on %s", what, path,
		      m->source, m->type, m->target);
}

/* The overlay is at its path; can it be written to? */
static bool compare_bound(struct comparing *c, const struct plan_overlay *o,
			  const struct observed_mount *at, const struct observed_mount *merged)
{
	bool meant = o->conf->options && fstab_has_option(o->conf->options, "ro");

	if (!meant && (at->read_only || at->fs_read_only)) {
		broken(c, "the overlay on %s is read-only: writes there fail", o->path);
		return false;
	}
	if (!merged)
		add_unit(warning(c, "%s is in force, but %s, from where it was bound, is unmounted",
				 o->path, o->merged),
			 o->merged_unit);
	return true;
}

/* What can say why the partition is not there; nothing if it is. */
static void add_partition_units(const struct comparing *c, struct problem *p, size_t partition)
{
	const struct plan_partition *q = &c->plan->partitions[partition];

	if (observed_mounted_at(c->observed, q->where))
		return;
	add_unit(p, q->device_unit);
	add_unit(p, q->format_unit);
	add_unit(p, q->fsck_unit);
	add_unit(p, q->unit);
}

/* Without its partition, with or without what IfMissing= puts in its place. */
static void tell_not_kept(struct comparing *c, const struct plan_overlay *o)
{
	const struct conf_partition *q = c->plan->partitions[o->partition].conf;
	_cleanup_free_ char *then = consequence(c, o->path);
	struct problem *p;

	p = broken(c, "%s is not kept on its partition %s (%s): %s", o->path, q->section.name,
		   q->device, then ? then : "");
	add_partition_units(c, p, o->partition);
	add_unit(p, o->merged_unit);
	add_unit(p, o->fallback == SIZE_MAX ? NULL : c->plan->prepares[o->fallback].unit);
	add_unit(p, o->bind_unit);
}

static bool compare_overlay(struct comparing *c, const struct plan_overlay *o)
{
	const struct observed_mount *merged = observed_mounted_at(c->observed, o->merged),
				    *at = observed_mounted_at(c->observed, o->path);
	_cleanup_free_ char *then = NULL;
	struct problem *p;

	/* What stands there without the partition may be an overlay of ours too. */
	if (!merged && o->on_partition && (o->fallback != SIZE_MAX || !at || !is_our_overlay(at))) {
		tell_not_kept(c, o);
		return false;
	}
	if (at && is_our_overlay(at) && (!merged || observed_same_fs(at, merged)))
		return compare_bound(c, o, at, merged);
	if (merged && has_mount(c->observed, o->path, merged)) {
		tell_covered(c, o->path, "the overlay");
		return false;
	}
	then = consequence(c, o->path);
	p = broken(c, "%s has no overlay: %s", o->path, then ? then : "");
	if (!merged)
		add_unit(p, o->merged_unit);
	add_unit(p, o->bind_unit);
	add_unit(p, c->plan->prepares[o->prepare].unit);
	return false;
}

static bool compare_persist(struct comparing *c, const struct plan_persist *q)
{
	const struct plan_partition *partition = &c->plan->partitions[q->partition];
	const struct observed_mount *from = observed_mounted_at(c->observed, partition->where),
				    *at = observed_mounted_at(c->observed, q->path);
	_cleanup_free_ char *then = NULL;
	struct problem *p;

	if (at && from && observed_same_fs(at, from))
		return true;
	if (at && !from && at->major != 0)
		return true; /* told as the partition's problem */
	if (from && has_mount(c->observed, q->path, from)) {
		tell_covered(c, q->path, "the persist");
		return false;
	}

	then = consequence(c, q->path);
	p = broken(c, "%s is not on its partition %s (%s): %s", q->path,
		   partition->conf->section.name, partition->conf->device, then ? then : "");
	add_partition_units(c, p, q->partition);
	add_unit(p, q->unit);
	return false;
}

static bool is_used_in_force(const struct comparing *c, size_t partition)
{
	for (size_t i = 0; i < c->plan->n_persists; i++)
		if (c->plan->persists[i].partition == partition && c->verdict.persists[i])
			return true;
	return false;
}

static bool compare_partition(struct comparing *c, size_t i)
{
	const struct plan_partition *q = &c->plan->partitions[i];
	const struct observed_mount *m = observed_mounted_at(c->observed, q->where);

	/* Without it, what should be on it has been told above. */
	if (!m && is_used_in_force(c, i))
		add_unit(warning(c, "partition %s is unmounted from %s, but still in use",
				 q->conf->section.name, q->where),
			 q->unit);
	if (m && (m->fs_read_only || m->read_only) && !fstab_has_option(q->conf->options, "ro"))
		broken(c,
		       "partition %s (%s) has turned read-only, as file systems do when they find an "
		       "error: nothing can be kept until it is checked with fsck",
		       q->conf->section.name, m->source);
	return m != NULL;
}

static void compare_tmp(struct comparing *c)
{
	const struct observed_mount *m = observed_mounted_at(c->observed, "/tmp");
	_cleanup_free_ char *then = NULL;

	if (!c->plan->tmp || (m && !m->read_only && !m->fs_read_only))
		return;
	then = consequence(c, "/tmp");
	add_unit(broken(c, "/tmp has no tmpfs: %s", then ? then : ""), "tmp.mount");
}

static void compare_swap(struct comparing *c)
{
	const struct conf_root *root = &c->plan->conf->root;

	if (root->swap && !root->section.invalid)
		return;
	for (size_t i = 0; i < c->observed->n_swaps; i++)
		broken(c,
		       "swap is active on %s, against Swap=no in [Root], and wears the flash; "
		       "swapoff %s ends that",
		       c->observed->swaps[i], c->observed->swaps[i]);
}

int storage_sentence(const struct storage *v, bool inodes, char **ret)
{
	const struct usage *u = &v->usage;
	char used[TEXT_BYTES_MAX], size[TEXT_BYTES_MAX];
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (v->kind == STORAGE_SHARED)
		strbuf_add(&b, "the shared RAM pool /rofs");
	else if (v->kind == STORAGE_OWN)
		strbuf_addf(&b, "the RAM pool of %s", v->name);
	else
		strbuf_addf(&b, "partition %s", v->name);

	if (inodes)
		strbuf_addf(&b, " has used %u %% of its inodes (%" PRIu64 " of %" PRIu64 ")",
			    usage_inodes_percent(u), u->inodes_used, u->inodes);
	else
		strbuf_addf(&b, " is %u %% full (%s of %s)", usage_percent(u),
			    text_bytes(used, u->used), text_bytes(size, u->used + u->available));
	if (v->kind == STORAGE_PARTITION)
		strbuf_addf(&b, "; look at what lies in %s", v->dir);
	else
		strbuf_add(&b, "; rofs diff --sort=size shows what fills it");
	return strbuf_take(&b, ret);
}

static void compare_usage(struct comparing *c, const struct storage *v)
{
	char *text;

	if (!v->usage.known)
		return;
	if (usage_level(usage_percent(&v->usage)))
		add_text(c, false, storage_sentence(v, false, &text) < 0 ? NULL : text);
	if (usage_level(usage_inodes_percent(&v->usage)))
		add_text(c, false, storage_sentence(v, true, &text) < 0 ? NULL : text);
}

/* Is anything of ours mounted at all? */
static bool is_anything_in_force(const struct comparing *c)
{
	if (c->plan->n_pools == 0)
		return true; /* nothing of ours would be */
	for (size_t i = 0; i < c->observed->n_mounts; i++)
		if (path_is_at_or_below(c->observed->mounts[i].target, "/rofs"))
			return true;
	return false;
}

static void tell_nothing(struct comparing *c)
{
	const struct observed_mount *root = observed_at(c->observed, "/");
	bool writable = root && !root->read_only && !root->fs_read_only;

	broken(c,
	       "nothing that rofs.conf declares is mounted in this boot%s; it comes into force at the "
	       "next boot, or journalctl -b -t rofs-generator says why not",
	       writable ? ", and / is writable" : "");
}

static void compare_all(struct comparing *c)
{
	const struct plan *p = c->plan;

	if (!is_anything_in_force(c)) {
		tell_nothing(c);
		return;
	}
	compare_root(c);
	compare_lower_root(c);
	compare_lowers(c);
	for (size_t i = 0; i < p->n_overlays; i++)
		c->verdict.overlays[i] = compare_overlay(c, &p->overlays[i]);
	for (size_t i = 0; i < p->n_persists; i++)
		c->verdict.persists[i] = compare_persist(c, &p->persists[i]);
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf)
			c->verdict.partitions[i] = compare_partition(c, i);
	compare_tmp(c);
	compare_swap(c);
	for (size_t i = 0; i < c->observed->n_storages; i++)
		compare_usage(c, &c->observed->storages[i]);
}

/* Stable, and there are few: what is broken before what is a warning. */
static void sort_problems(struct verdict *v)
{
	for (size_t i = 1; i < v->n_problems; i++)
		for (size_t j = i; j > 0 && v->problems[j].broken && !v->problems[j - 1].broken;
		     j--) {
			struct problem swap = v->problems[j];

			v->problems[j] = v->problems[j - 1];
			v->problems[j - 1] = swap;
		}
}

int verdict_build(const struct plan *p, const struct observed *s, const struct diag *d,
		  struct verdict *ret)
{
	struct comparing c = { .plan = p, .observed = s };

	c.verdict.overlays = calloc(p->n_overlays + 1, sizeof(bool));
	c.verdict.persists = calloc(p->n_persists + 1, sizeof(bool));
	c.verdict.partitions = calloc(p->n_partitions + 1, sizeof(bool));
	c.failed = !c.verdict.overlays || !c.verdict.persists || !c.verdict.partitions;
	if (!c.failed) {
		compare_all(&c);
		compare_configuration(&c, d);
	}
	if (c.failed) {
		verdict_done(&c.verdict);
		return -ENOMEM;
	}

	sort_problems(&c.verdict);
	c.verdict.state = c.verdict.n_broken ? VERDICT_PARTIAL : VERDICT_PROTECTED;
	*ret = c.verdict;
	return 0;
}

static void add_part(struct strbuf *b, bool *first)
{
	strbuf_add(b, *first ? " " : ", ");
	*first = false;
}

static void add_overlays(struct strbuf *b, bool *first, const struct plan *p,
			 const struct observed *s, const struct storage *v)
{
	char used[TEXT_BYTES_MAX], size[TEXT_BYTES_MAX];
	const struct observed_mount *m;
	bool any = false;

	for (size_t i = 0; i < p->n_overlays; i++) {
		if (storage_of_overlay(s, p, &p->overlays[i]) != v)
			continue;
		if (!any)
			add_part(b, first);
		else
			strbuf_add_char(b, ' ');
		strbuf_add(b, p->overlays[i].path);
		any = true;
	}
	if (!any)
		return;
	if (v->kind == STORAGE_PARTITION) {
		m = observed_mounted_at(s, v->dir);
		strbuf_addf(b, " kept on %s", m ? m->source : v->name);
		return;
	}
	strbuf_add(b, " in RAM");
	if (v->usage.known)
		strbuf_addf(b, " (%s of %s)", text_bytes(used, v->usage.used),
			    text_bytes(size, v->usage.size));
}

static void add_persists(struct strbuf *b, bool *first, const struct plan *p,
			 const struct observed *s, const struct storage *v)
{
	const struct observed_mount *m = observed_mounted_at(s, v->dir);
	bool any = false;

	for (size_t i = 0; i < p->n_persists; i++) {
		if (v->kind != STORAGE_PARTITION || p->persists[i].partition != v->index)
			continue;
		if (!any)
			add_part(b, first);
		else
			strbuf_add_char(b, ' ');
		strbuf_add(b, p->persists[i].path);
		any = true;
	}
	if (any)
		strbuf_addf(b, " on %s", m ? m->source : v->name);
}

static void add_protected(struct strbuf *b, const struct plan *p, const struct observed *s)
{
	bool first = true;

	if (p->n_remounts > 0) {
		add_part(b, &first);
		strbuf_add(b, "/ read-only");
	}
	for (size_t i = 0; i < s->n_storages; i++)
		add_overlays(b, &first, p, s, &s->storages[i]);
	for (size_t i = 0; i < s->n_storages; i++)
		add_persists(b, &first, p, s, &s->storages[i]);
}

int verdict_line(const struct verdict *v, const struct plan *p, const struct observed *s,
		 char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_addf(&b, "%s:", verdict_state_to_string(v->state));
	if (v->n_broken == 1)
		strbuf_addf(&b, " %s", v->problems[0].text);
	else if (v->n_broken > 1)
		strbuf_addf(&b, " %zu things that rofs.conf declares are not in force",
			    v->n_broken);
	else
		add_protected(&b, p, s);
	return strbuf_take(&b, ret);
}

static size_t add_lost(struct strbuf *b, const struct plan *p, const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_overlays; i++) {
		if (p->overlays[i].on_partition || !v->overlays[i])
			continue;
		strbuf_addf(b, "%s%s", n++ ? " " : "changes to ", p->overlays[i].path);
	}
	return n;
}

int verdict_motd(const struct verdict *v, const struct plan *p, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (v->n_broken == 1)
		strbuf_addf(&b, "rofs: NOT PROTECTED: %s; see rofs status\n", v->problems[0].text);
	else if (v->n_broken > 1)
		strbuf_addf(&b, "rofs: NOT PROTECTED: %s; %zu more, see rofs status\n",
			    v->problems[0].text, v->n_broken - 1);
	if (add_lost(&b, p, v) > 0)
		strbuf_add(&b, " are lost at power-off; see rofs diff\n");
	for (size_t i = v->n_broken; i < v->n_problems; i++)
		strbuf_addf(&b, "rofs: %s\n", v->problems[i].text);
	return strbuf_take(&b, ret);
}
