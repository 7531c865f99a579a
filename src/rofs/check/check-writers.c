/* SPDX-License-Identifier: MIT */
/* What writes at boot, or on its own later, and fails or is lost. */
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "rofs/check/asking.h"
#include "rofs/check/check.h"
#include "system/unit-file.h"
#include "system/unit-presence.h"

static const struct pos nowhere;

static int check_growfs(struct checking *c, const struct unit_dirs *dirs)
{
	static const char *const names[] = { "systemd-growfs-root.service",
					     "resize2fs_once.service",
					     "armbian-resize-filesystem.service",
					     "dietpi-fs_partition_resize.service" };
	const struct fstab_entry *root = c->mounts.root;
	int err = 0;

	if (check_place_of(c, "/").kind != PLACE_READ_ONLY)
		return 0;
	if (root && fstab_has_option(root->options, "x-systemd.growfs"))
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, fstab_pos(root),
			"x-systemd.growfs grows the file system of / at boot, which fails, as / is "
			"read-only; after it has grown, remove the option");
	for (size_t i = 0; i < ELEMENTSOF(names) && err >= 0; i++) {
		struct unit_presence p = { 0 };

		err = unit_presence_add(dirs, names[i], &p);
		if (p.enabled)
			check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
				  "%s grows the file system of / at boot, which fails, as / is "
				  "read-only; after it has grown, systemctl disable %s",
				  names[i], names[i]);
	}
	return err;
}

/* Does not fit into an overlay either: swapon(2) refuses it there. */
void check_swap_file(struct checking *c, const char *who, const char *path, const char *cure)
{
	switch (check_place_of(c, path).kind) {
	case PLACE_READ_ONLY:
		check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			  "%s swaps to the file %s, which is read-only, so it fails; %s", who, path,
			  cure);
		break;
	case PLACE_OVERLAY:
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"%s swaps to the file %s, which is on an overlay: the kernel refuses it, and "
			"a new one fills the pool; %s",
			who, path, cure);
		break;
	case PLACE_ROOT:
	case PLACE_MOUNT:
	case PLACE_PERSIST:
		break;
	}
}

static int check_swap(struct checking *c, const struct unit_dirs *dirs)
{
	static const struct setting dphys = { SETTING_LINES, "/etc/dphys-swapfile",
					      .key = "CONF_SWAPFILE" };
	_cleanup_asking_ struct asking x = { 0 };
	struct unit_presence p = { 0 };
	int err = unit_presence_add(dirs, "dphys-swapfile.service", &p);

	if (err < 0 || !p.enabled)
		return err;
	err = setting_read(dirs, &dphys, NULL, asking_take, &x);
	if (err < 0)
		return err;
	if (x.last && x.last[0] == '/')
		path_clean(x.last);
	check_swap_file(c, "dphys-swapfile.service",
			x.last && x.last[0] == '/' ? x.last : "/var/swap",
			"systemctl disable dphys-swapfile");
	return 0;
}

static int check_swap_unit(struct checking *c, const struct unit_dirs *dirs, const char *name)
{
	_cleanup_free_ char *path = NULL, *cure = NULL;
	_cleanup_unit_file_ struct unit_file u = { 0 };
	const struct unit_setting *what;
	struct unit_presence p = { 0 };
	int err = unit_presence_add(dirs, name, &p);

	if (err < 0 || !p.enabled)
		return err;
	err = unit_file_read(dirs, name, &u);
	what = err < 0 ? NULL : unit_file_last(&u, "Swap", "What");
	if (!what || what->value[0] != '/')
		return err;
	err = text_format(&path, "%s", what->value);
	if (err >= 0)
		err = text_format(&cure, "systemctl disable %s", name);
	if (err < 0)
		return err;
	path_clean(path);
	check_swap_file(c, name, path, cure);
	return 0;
}

/* Files only: what is on a device is left to Swap=. */
static int check_swap_units(struct checking *c, const struct unit_dirs *dirs)
{
	_cleanup_unit_names_ struct unit_names names = { 0 };
	int err = unit_dirs_list(dirs, ".swap", &names);

	for (size_t i = 0; i < names.n && err >= 0; i++)
		err = check_swap_unit(c, dirs, names.list[i]);
	return err;
}

static int ask_apt(const struct unit_dirs *dirs, const char *key, struct asking *x)
{
	static const char *const files[] = { APT_CONF_D, APT_CONF };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(files) && err >= 0; i++) {
		const struct setting s = { SETTING_APT, files[i], .key = key };

		err = setting_read(dirs, &s, NULL, asking_take, x);
	}
	return err;
}

/* Is a timer of apt enabled, and set to do this every some days? Returns: 1, 0 or -ENOMEM. */
static int is_periodic(const struct unit_dirs *dirs, const char *timer, const char *what)
{
	_cleanup_asking_ struct asking all = { 0 }, one = { 0 };
	_cleanup_free_ char *key = NULL;
	struct unit_presence p = { 0 };
	int err = unit_presence_add(dirs, timer, &p);

	if (err >= 0)
		err = text_format(&key, "APT::Periodic::%s", what);
	if (err >= 0)
		err = ask_apt(dirs, key, &one);
	if (err >= 0)
		err = ask_apt(dirs, "APT::Periodic::Enable", &all);
	if (err < 0 || !p.enabled || (all.last && all.last[0] == '0'))
		return err;
	return one.last && (strcmp(one.last, "always") == 0 || strtoul(one.last, NULL, 10) > 0);
}

static int check_upgrades(struct checking *c, const struct unit_dirs *dirs)
{
	int upgrades = is_periodic(dirs, "apt-daily-upgrade.timer", "Unattended-Upgrade");
	int lists = is_periodic(dirs, "apt-daily.timer", "Update-Package-Lists");
	struct place place = check_place_of(c, "/var/lib/apt/lists");

	if (upgrades < 0 || lists < 0)
		return -ENOMEM;
	if (upgrades && rootfs_has(&c->l->root, "/usr/bin", "unattended-upgrade") &&
	    check_place_of(c, "/usr").kind == PLACE_READ_ONLY)
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"unattended-upgrades installs packages on its own, which fails, as /usr is "
			"read-only; systemctl disable apt-daily-upgrade.timer, and upgrade with rofs "
			"off");
	if (lists && place.kind == PLACE_OVERLAY && !place.overlay->on_partition)
		check_add(c, PROBLEM_WRITE_LOST, &place.overlay->conf->section,
			  place.overlay->conf->section.pos,
			  "[Overlay %s]: apt-daily.timer downloads package lists to "
			  "/var/lib/apt/lists: they take RAM, and are lost at power-off; systemctl "
			  "disable apt-daily.timer",
			  place.overlay->conf->section.name);
	return 0;
}

int check_writers(struct checking *c)
{
	static int (*const checks[])(struct checking *, const struct unit_dirs *) = {
		check_growfs,
		check_swap,
		check_swap_units,
		check_upgrades,
	};
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(checks) && err >= 0; i++)
		err = checks[i](c, &dirs);
	return err;
}
