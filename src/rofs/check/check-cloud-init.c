/* SPDX-License-Identifier: MIT */
/* What cloud-init does at boot that fails on a read-only root file system. */
#include <string.h>

#include "basic/path.h"
#include "rofs/check/asking.h"
#include "rofs/check/check.h"
#include "system/unit-presence.h"

static const struct pos nowhere;

static int ask_cloud(const struct unit_dirs *dirs, const char *section, const char *key,
		     struct asking *x)
{
	static const char *const files[] = { "/etc/cloud/cloud.cfg",
					     "/etc/cloud/cloud.cfg.d/*.cfg" };

	return ask(dirs, files, section, key, x);
}

/* Its generator pulls it in, not a link. */
int check_cloud_init_runs(const struct checking *c, const struct unit_dirs *dirs, bool *ret)
{
	static const char *const names[] = { "cloud-init.service", "cloud-init-main.service" };
	struct unit_presence p = { 0 };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(names) && err >= 0; i++)
		err = unit_presence_add(dirs, names[i], &p);
	*ret = p.installed && !rootfs_has(&c->l->root, "/etc/cloud", "cloud-init.disabled") &&
	       !boot_has_word(c->l->cmdline, "cloud-init=disabled");
	return err;
}

/* @section: NULL: outermost. Returns: 1: the configuration turns it off; 0, or -ENOMEM. */
static int is_off(const struct unit_dirs *dirs, const char *section, const char *key)
{
	static const char *const words[] = { "off", "false", "no" };
	_cleanup_asking_ struct asking x = { 0 };
	int err = ask_cloud(dirs, section, key, &x);

	if (err < 0 || !x.last)
		return err;
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strcasecmp(x.last, words[i]) == 0)
			return 1;
	return 0;
}

/* Returns: 1: the module is run; 0, or -ENOMEM. */
static int has_module(const struct unit_dirs *dirs, const char *name)
{
	_cleanup_asking_ struct asking x = { .word = name };
	int err = ask_cloud(dirs, "cloud_init_modules cloud_config_modules cloud_final_modules",
			    "-", &x);

	return err < 0 ? err : x.found;
}

static int check_growpart(struct checking *c, const struct unit_dirs *dirs)
{
	int module = has_module(dirs, "growpart"), off = is_off(dirs, "growpart", "mode");

	if (off == 0)
		off = is_off(dirs, NULL, "growpart");
	if (module < 0 || off < 0)
		return -ENOMEM;
	if (module && !off)
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"cloud-init grows the root partition (growpart), which writes to a device "
			"that rofs keeps read-only; after it has grown, add \"growpart: {mode: off}\" "
			"to a file in /etc/cloud/cloud.cfg.d");
	return 0;
}

static int check_resizefs(struct checking *c, const struct unit_dirs *dirs)
{
	int module = has_module(dirs, "resizefs"), off = is_off(dirs, NULL, "resize_rootfs");

	if (module < 0 || off < 0)
		return -ENOMEM;
	if (module && !off)
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"cloud-init grows the root file system (resizefs), which fails, as / is "
			"read-only; after it has grown, add \"resize_rootfs: false\" to a file in "
			"/etc/cloud/cloud.cfg.d");
	return 0;
}

/* locale-gen, which only has something to do where the locale is not the one that is set. */
static int check_locale(struct checking *c, const struct unit_dirs *dirs)
{
	static const char *const files[] = { "/etc/default/locale", "/etc/locale.conf" };
	_cleanup_asking_ struct asking wanted = { 0 }, set = { 0 };
	int module = has_module(dirs, "locale"), err = ask_cloud(dirs, NULL, "locale", &wanted);

	if (err >= 0)
		err = ask(dirs, files, NULL, "LANG", &set);
	if (module < 0 || err < 0)
		return -ENOMEM;
	if (!module || !wanted.last || is_off(dirs, NULL, "locale") != 0 ||
	    (set.last && strcmp(set.last, wanted.last) == 0) ||
	    !rootfs_has(&c->l->root, "/usr/sbin", "locale-gen") ||
	    check_place_of(c, "/usr/lib/locale").kind != PLACE_READ_ONLY)
		return 0;
	check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
		  "cloud-init runs locale-gen for %s at boot, which fails, as /usr/lib/locale is "
		  "read-only; generate the locale and set it in /etc/default/locale, or add "
		  "\"locale: false\" to a file in /etc/cloud/cloud.cfg.d",
		  wanted.last);
	return 0;
}

/* What it did for this instance: without that, each boot is the first. */
static int check_state(struct checking *c, _unused_ const struct unit_dirs *dirs)
{
	struct place place = check_place_of(c, "/var/lib/cloud");

	if (place.kind == PLACE_READ_ONLY) {
		check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			  "cloud-init keeps its state in /var/lib/cloud, which is read-only, so it "
			  "fails; add [Persist /var/lib/cloud], or disable it with "
			  "/etc/cloud/cloud-init.disabled");
	} else if (place.kind == PLACE_OVERLAY && !place.overlay->on_partition &&
		   (place.starts_empty || !rootfs_has(&c->l->root, "/var/lib/cloud", "instance"))) {
		const struct conf_section *s = &place.overlay->conf->section;

		check_add(
			c, PROBLEM_WRITE_LOST, s, s->pos,
			"[Overlay %s]: cloud-init has not run yet, and its state in "
			"/var/lib/cloud is lost at power-off: it would make new SSH host keys and "
			"users in each boot; boot once without rofs, or add [Persist "
			"/var/lib/cloud]",
			s->name);
	}
	return 0;
}

/* In each boot: the network, /etc/hosts and the host name. For a new instance: everything. */
static int check_etc_writable(struct checking *c, _unused_ const struct unit_dirs *dirs)
{
	if (check_place_of(c, "/etc").kind == PLACE_READ_ONLY)
		check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			  "cloud-init writes the host name, users and the network configuration to "
			  "/etc, which is read-only; add [Overlay /etc], or disable it with "
			  "/etc/cloud/cloud-init.disabled");
	return 0;
}

static int check_cloud_swap(struct checking *c, const struct unit_dirs *dirs)
{
	_cleanup_asking_ struct asking x = { 0 };
	int module = has_module(dirs, "mounts"), err = ask_cloud(dirs, "swap", "filename", &x);

	if (module < 0 || err < 0)
		return -ENOMEM;
	if (module && x.last && x.last[0] == '/') {
		path_clean(x.last);
		check_swap_file(c, "cloud-init", x.last, "remove the swap section from /etc/cloud");
	}
	return 0;
}

int check_cloud_init(struct checking *c)
{
	static int (*const checks[])(struct checking *, const struct unit_dirs *) = {
		check_growpart,	  check_resizefs, check_locale,
		check_cloud_swap, check_state,	  check_etc_writable,
	};
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	bool runs;
	int err = check_cloud_init_runs(c, &dirs, &runs);

	if (err < 0 || !runs)
		return err;
	/* Those about / do not concern a root that stays writable. */
	for (size_t i = check_place_of(c, "/").kind == PLACE_READ_ONLY ? 0 : 2;
	     i < ELEMENTSOF(checks) && err >= 0; i++)
		err = checks[i](c, &dirs);
	return err;
}
