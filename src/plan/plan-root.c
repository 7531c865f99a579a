/* SPDX-License-Identifier: MIT */
/* What concerns the root file system itself: keeping it read-only, swap, /tmp. */
#include "plan/plan-root.h"

#include <string.h>

#include "basic/path.h"
#include "plan/mount-flags.h"
#include "plan/plan-masks.h"
#include "plan/plan-names.h"
#include "plan/unit-name.h"

/* Of /, where fstab does not mention it: what the kernel command line says must not be lost. */
static int unmentioned_root_options(const struct plan *p, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *options = p->facts->cmdline_root.options;

	strbuf_add(&b, p->maintenance ? "rw" : "ro");
	mount_flags_add(&b, options ? mount_flags(options) & ~(unsigned)MOUNT_READ_ONLY : 0);
	return strbuf_take(&b, ret);
}

/* @e: NULL: / is not in fstab */
static int remount_options(const struct plan *p, const struct fstab_entry *e, char **ret)
{
	if (!e)
		return unmentioned_root_options(p, ret);
	return p->maintenance ? fstab_options_writable(e->options, ret) :
				fstab_options_read_only(e->options, ret);
}

static int add_remount(struct plan *p, const struct fstab_entry *e)
{
	struct plan_remount r = { .entry = e };
	int err;

	err = array_reserve(p->remounts, p->n_remounts);
	if (err < 0)
		return err;
	if (!e || fstab_is_kept_read_only(e)) {
		err = remount_options(p, e, &r.options);
		if (err < 0)
			return err;
	}

	p->remounts[p->n_remounts++] = r;
	return 0;
}

/*
 * A copy of fstab in which / and /usr are read-only, or writable in a maintenance boot: the other entries
 * that are remounted from it stay as they are.
 */
static int plan_remounts(struct plan *p)
{
	bool root_seen = false;
	int err;

	for (size_t i = 0; i < p->facts->n_fstab; i++) {
		const struct fstab_entry *e = &p->facts->fstab[i];

		if (e->file) /* not a line of fstab */
			continue;
		root_seen = root_seen || strcmp(e->dir, "/") == 0;
		err = add_remount(p, e);
		if (err < 0)
			return err;
	}

	/*
	 * Nothing in fstab: the kernel command line or gpt-auto-generator may still have made /
	 * writable.
	 */
	return root_seen ? 0 : add_remount(p, NULL);
}

static bool is_zram(const struct fstab_entry *e)
{
	return strncmp(e->spec, "/dev/zram", 9) == 0;
}

static int add_swap(struct building *b, const struct fstab_entry *e)
{
	_cleanup_free_ char *path = NULL, *unit = NULL;
	int err;

	err = unit_name_device_path(e->spec, &path);
	if (err == -EINVAL && e->spec[0] == '/') /* a swap file */
		err = text_format(&path, "%s", e->spec);
	if (err < 0)
		return err == -EINVAL ? 0 : err;

	path_clean(path);
	err = unit_name_from_path(path, ".swap", &unit);
	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err; /* then systemd has no unit for it either */
	err = plan_take_name(b, &unit, &b->plan.swaps, &b->plan.n_swaps);
	if (err <= 0)
		return err;

	/* Requiring a masked unit, swap.target would start without the others, zram's too. */
	return plan_mask(b, "swap.target",
			 fstab_has_option(e->options, "nofail") ? "wants" : "requires",
			 b->plan.swaps[b->plan.n_swaps - 1]);
}

/*
 * Is it a file to which the kernel cannot swap? Not on the root that is kept read-only, and not
 * through an overlay.
 */
static int is_useless_file(const struct building *b, const struct fstab_entry *e, bool *ret)
{
	_cleanup_free_ char *path = strdup(e->spec);
	const struct claim *c;

	if (!path)
		return -ENOMEM;
	path_clean(path);
	*ret = false;
	if (path[0] != '/' || path_is_api(path))
		return 0;

	*ret = b->plan.n_remounts > 0 && !fstab_at_or_above(&b->fstab, path);
	c = claims_at_or_above(b->claims, b->n_claims, path);
	if (c)
		*ret = c->section->kind == CONF_OVERLAY;
	return 0;
}

/* Of swap that is wanted: would its unit only fail? */
static int plan_useless_swap(struct building *b, const struct fstab_entry *e)
{
	bool useless;
	int err;

	err = is_useless_file(b, e, &useless);
	if (err < 0 || !useless)
		return err;
	diag_warning(
		b->diag, fstab_pos(e),
		"the swap file %s is not activated: the kernel cannot swap to a file on a read-only root "
		"file system or on an overlay; use a partition or zram",
		e->spec);
	return add_swap(b, e);
}

static int plan_swaps(struct building *b, bool wanted)
{
	const struct facts *f = b->plan.facts;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];
		int err;

		if (!fstab_is_swap(e) || is_zram(e))
			continue;
		err = wanted ? plan_useless_swap(b, e) : add_swap(b, e);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool fstab_mounts_tmp(const struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		/* A mount unit that nothing pulls in does not count. */
		if (strcmp(e->dir, "/tmp") == 0 &&
		    !(e->file && fstab_has_option(e->options, "noauto")))
			return true;
	}
	return false;
}

static bool wants_tmp(const struct building *b)
{
	const struct facts *f = b->plan.facts;

	return f->tmp_is_plain && !f->tmp_unit_wanted && !fstab_mounts_tmp(f) &&
	       !claims_find(b->claims, b->n_claims, "/tmp");
}

int plan_tmp(struct building *b)
{
	const struct conf_root *root = &b->plan.conf->root;

	/* A [Root] section with a mistake is left out: its defaults are in force. */
	b->plan.tmp = (root->tmp || root->section.invalid) && wants_tmp(b) &&
		      !plan_warn_masked(b, "tmp.mount", "/tmp stays on the root file system");
	return 0;
}

/* A writable file system would go on writing to its device, which the kernel lets through. */
static void plan_device(struct building *b)
{
	const struct conf_root *root = &b->plan.conf->root;

	if (!root->device_read_only || root->section.invalid)
		return;
	b->plan.device_read_only = root->read_only;
	if (!root->read_only)
		diag_error(b->diag, conf_key_pos(&root->section, "Device"),
			   "Device=read-only contradicts ReadOnly=no in [Root]; expected one of "
			   "Device=leave and ReadOnly=yes");
}

int plan_root(struct building *b)
{
	struct plan *p = &b->plan;
	const struct conf_root *root = &p->conf->root;
	bool invalid = root->section.invalid; /* as in plan_tmp() */
	int err;

	if (root->read_only || invalid) {
		err = plan_remounts(p);
		if (err < 0)
			return err;
	}
	plan_device(b);
	p->no_swap = !root->swap || invalid;
	return plan_swaps(b, !p->no_swap);
}

int plan_maintenance(const struct facts *f, struct plan *ret)
{
	struct plan p = { .facts = f, .early_mounts = NO_INDEX, .maintenance = true };
	int err = plan_remounts(&p);

	if (err < 0)
		plan_done(&p);
	else
		*ret = p;
	return err;
}
