/* SPDX-License-Identifier: MIT */
#include "system/load.h"

#include <string.h>

#include "system/confdirs.h"
#include "system/facts-read.h"

int load_open_published(const struct rootfs *r, struct rootfs *ret)
{
	return rootfs_is_closed(r) ? rootfs_open_below(r, LOAD_PUBLISHED_DIR, ret) : -ENOENT;
}

static int read_conf_in_force(struct loaded *l)
{
	_cleanup_rootfs_ struct rootfs kept = { -1, -1, false };

	if (load_open_published(&l->root, &kept) == 0)
		return confdirs_read(&kept, &l->conf, &l->diag);
	l->blind = rootfs_is_closed(&l->root);
	return confdirs_read(&l->root, &l->conf, &l->diag);
}

static int read_conf(struct loaded *l, bool edited)
{
	_cleanup_rootfs_ struct rootfs merged = { -1, -1, false };
	int err;

	if (!edited)
		return read_conf_in_force(l);
	err = rootfs_open_merged(&l->root, &merged);
	return err < 0 ? err : confdirs_read(&merged, &l->conf, &l->diag);
}

static int load(const char *dir, bool edited, struct loaded *ret)
{
	int err;

	err = rootfs_open(dir, &ret->root);
	if (err < 0)
		return err;
	err = conf_init(&ret->conf);
	if (err < 0)
		return err;
	err = read_conf(ret, edited);
	if (err < 0)
		return err;
	err = facts_read_boot(&ret->root, &ret->cmdline, &ret->boot);
	if (err < 0)
		return err;
	/* As for the generator, which looks at nothing else then. */
	if (!ret->conf.declared)
		return 0;
	err = facts_read(&ret->root, &ret->conf, &ret->diag, &ret->facts);
	if (err < 0)
		return err;
	return plan_build(&ret->conf, &ret->facts, &ret->diag, &ret->plan);
}

int load_plan(const char *dir, struct loaded *ret)
{
	return load(dir, false, ret);
}

int load_edited(const char *dir, struct loaded *ret)
{
	return load(dir, true, ret);
}

void load_done(struct loaded *l)
{
	plan_done(&l->plan);
	facts_done(&l->facts);
	diag_done(&l->diag);
	conf_done(&l->conf);
	rootfs_done(&l->root);
	free(l->cmdline);
	*l = (struct loaded)LOADED_INIT;
}

static int format(char **ret, const char *why, const struct boot *b)
{
	if (asprintf(ret, "%s: %.*s on the kernel command line", why, b->word_len, b->word) < 0)
		return *ret = NULL, -ENOMEM;
	return 0;
}

static int copy(char **ret, const char *why)
{
	*ret = strdup(why);
	return *ret ? 0 : -ENOMEM;
}

int load_why_off(const struct loaded *l, char **ret)
{
	*ret = NULL;
	if (!l->conf.declared)
		return copy(ret, "there is no section in rofs.conf");
	switch (l->boot.mode) {
	case BOOT_OFF:
		return format(ret, "switched off", &l->boot);
	case BOOT_RECOVERY:
		return format(ret, "a recovery boot", &l->boot);
	case BOOT_INITRD:
		return copy(ret, "this is the initrd");
	case BOOT_NORMAL:
	case _BOOT_MODE_MAX:
		break;
	}
	return 0;
}
