/* SPDX-License-Identifier: MIT */
#include "system/load.h"

#include <string.h>

#include "basic/text.h"
#include "plan/plan-build.h"
#include "plan/plan-root.h"
#include "system/cmdline-units.h"
#include "system/confdirs.h"
#include "system/late-units.h"
#include "system/log.h"
#include "system/mount-extra.h"
#include "system/native-mounts.h"

int load_open_published(const struct rootfs *r, struct rootfs *ret)
{
	return rootfs_is_closed(r) ? rootfs_open_below(r, LOAD_PUBLISHED_DIR, ret) : -ENOENT;
}

/* Only what can be read before fstab mounts anything: the boot has nothing else to go by. */
static int read_early(struct loaded *l, const struct rootfs *r)
{
	struct rootfs early = *r;

	early.late = &l->mount_points.late;
	return confdirs_read(&early, &l->conf, &l->diag);
}

static int read_conf_in_force(struct loaded *l)
{
	_cleanup_rootfs_ struct rootfs published = ROOTFS_INIT;

	if (!rootfs_is_closed(&l->root))
		return read_early(l, &l->root);
	if (load_open_published(&l->root, &published) == 0)
		return confdirs_read(&published, &l->conf, &l->diag);
	l->blind = true;
	return read_early(l, &l->root);
}

static int read_conf(struct loaded *l, bool edited)
{
	_cleanup_rootfs_ struct rootfs merged = ROOTFS_INIT;
	int err;

	if (!edited)
		return read_conf_in_force(l);
	err = rootfs_open_merged(&l->root, &merged);
	return err < 0 ? err : read_early(l, &merged);
}

/* All that is known before the configuration is. */
static int begin(const char *dir, struct loaded *ret)
{
	int err;

	err = rootfs_open(dir, &ret->root);
	if (err < 0)
		return err;
	ret->root.diag = &ret->diag;
	err = conf_init(&ret->conf);
	if (err < 0)
		return err;
	err = facts_read_boot(&ret->root, &ret->diag, &ret->cmdline, &ret->boot);
	if (err < 0)
		return err;
	boot_marks_read(&ret->root, &ret->diag, &ret->marks);
	if (ret->marks.maintenance && ret->boot.mode == BOOT_NORMAL)
		ret->boot.mode = BOOT_MAINTENANCE;
	err = fstab_read(&ret->root, ret->cmdline, &ret->diag, &ret->facts, &ret->mount_points);
	if (err < 0)
		return err;
	ret->facts.commit_is_unfinished = ret->marks.commit;
	ret->facts.commit_is_pending = ret->marks.pending;
	/* Whatever the root has beneath it. */
	if (path_set_has(&ret->mount_points.all, "/usr"))
		ret->root.usr_is_separate = true;
	return 0;
}

static int load_conf_of(const char *dir, bool edited, struct loaded *ret)
{
	int err = begin(dir, ret);

	return err < 0 ? err : read_conf(ret, edited);
}

int load_conf(const char *dir, struct loaded *ret)
{
	return load_conf_of(dir, false, ret);
}

/*
 * What only asks whether something is there does not say so itself. That an ordinary user may not see
 * it is no failure.
 */
static int report_unread(struct diag *d)
{
	if (d->unread == -ENOMEM)
		return -ENOMEM;
	if (d->unread < 0 && d->unread != -EACCES && d->n_errors == 0)
		diag_error(d, (struct pos){ 0 }, "not everything could be read: %s",
			   strerror(-d->unread));
	return 0;
}

int load_rest(struct loaded *l)
{
	int err;

	if (!l->conf.declared)
		return 0;
	err = facts_read_cmdline(l->cmdline, &l->facts);
	if (err >= 0)
		err = mount_extra_read(&l->root, l->cmdline, &l->diag, &l->facts, &l->mount_points);
	if (err >= 0)
		err = cmdline_units_read(&l->root, l->cmdline, &l->facts);
	if (err >= 0)
		err = native_mounts_read(&l->root, &l->conf, &l->facts, &l->mount_points);
	if (err >= 0)
		err = facts_read(&l->root, &l->mount_points, &l->conf, &l->facts);
	if (err >= 0)
		err = late_units_read(&l->root, &l->conf, &l->facts);
	if (err >= 0)
		err = report_unread(&l->diag);
	if (err < 0)
		return err;
	return plan_build(&l->conf, &l->facts, &l->diag, &l->plan);
}

int load_maintenance(struct loaded *l)
{
	int err = facts_read_cmdline(l->cmdline, &l->facts);

	if (err >= 0)
		err = cmdline_units_read(&l->root, l->cmdline, &l->facts);
	if (err >= 0)
		err = plan_maintenance(&l->facts, &l->plan);
	if (err >= 0)
		l->plan.device_read_only = l->conf.root.device_read_only &&
					   !l->conf.root.section.invalid;
	return err;
}

static int load(const char *dir, bool edited, struct loaded *ret)
{
	int err = load_conf_of(dir, edited, ret);

	return err < 0 ? err : load_rest(ret);
}

int load_plan(const char *dir, struct loaded *ret)
{
	return load(dir, false, ret);
}

int load_edited(const char *dir, struct loaded *ret)
{
	return load(dir, true, ret);
}

int load_proposed(const char *dir, char *text, struct loaded *ret)
{
	_cleanup_rootfs_ struct rootfs merged = ROOTFS_INIT;
	int err = begin(dir, ret);

	if (err >= 0)
		err = conf_read(&ret->conf, "rofs.conf", text, strlen(text), &ret->diag);
	if (err >= 0)
		err = rootfs_open_merged(&ret->root, &merged);
	if (err < 0)
		return err;
	merged.late = &ret->mount_points.late;
	err = confdirs_read_dropins(&merged, &ret->conf, &ret->diag);
	if (err < 0)
		return err;
	conf_check(&ret->conf, &ret->diag);
	return load_rest(ret);
}

void load_done(struct loaded *l)
{
	plan_done(&l->plan);
	facts_done(&l->facts);
	mount_points_done(&l->mount_points);
	diag_done(&l->diag);
	conf_done(&l->conf);
	rootfs_done(&l->root);
	free(l->cmdline);
	*l = (struct loaded)LOADED_INIT;
}

bool load_report_unread(const struct loaded *l)
{
	if (l->diag.unread < 0)
		log_error(0, "cannot read all of the configuration: %s", strerror(-l->diag.unread));
	return l->diag.unread < 0;
}

int load_why_off(const struct loaded *l, char **ret)
{
	const struct boot *b = &l->boot;

	*ret = NULL;
	if (!l->conf.declared)
		return text_format(ret, "rofs.conf declares nothing");
	switch (b->mode) {
	case BOOT_OFF:
		return text_format(ret, "%.*s on the kernel command line", b->word_len, b->word);
	case BOOT_RECOVERY:
		return text_format(ret, "%.*s on the kernel command line requests a recovery boot",
				   b->word_len, b->word);
	case BOOT_INITRD:
		return text_format(ret, "this is the initrd");
	case BOOT_MAINTENANCE:
		return text_format(ret, "this is a maintenance boot");
	case BOOT_NORMAL:
	case _BOOT_MODE_MAX:
		break;
	}
	return 0;
}
