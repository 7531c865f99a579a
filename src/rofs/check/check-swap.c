/* SPDX-License-Identifier: MIT */
/* Programs that make a swap file of their own, which is in neither a swap unit nor fstab. */
#include <string.h>

#include "basic/path.h"
#include "rofs/check/asking.h"
#include "rofs/check/check.h"
#include "system/unit-presence.h"

static const struct pos nowhere;

/* A path as it is configured, or the default. Borrowed. */
static const char *path_or(char *configured, const char *fallback)
{
	if (!configured || *configured != '/')
		return fallback;
	path_clean(configured);
	return configured;
}

/* A swap file is as large as the RAM: an overlay keeps it there, or copies it when it is opened. */
static void report_swap(struct checking *c, const char *who, const char *path, const char *cure)
{
	struct place place = check_place_of(c, path);

	if (place.kind == PLACE_READ_ONLY) {
		check_add(c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			  "%s uses %s for swap, which is read-only, so it fails; %s", who, path,
			  cure);
	} else if (place.kind == PLACE_OVERLAY && !place.overlay->on_partition) {
		const struct conf_section *s = &place.overlay->conf->section;

		check_add(
			c, PROBLEM_WRITE_FAILS, s, s->pos,
			"[Overlay %s]: %s uses %s for swap: in an overlay, that takes as much RAM as the "
			"file is large; %s",
			s->name, who, path, cure);
	}
}

static int check_swapspace(struct checking *c, const struct unit_dirs *dirs)
{
	static const struct setting directory = { .syntax = SETTING_LINES,
						  .file = "/etc/swapspace.conf",
						  .key = "swappath" };
	_cleanup_asking_ struct asking x = { 0 };
	struct unit_presence p = { 0 };
	int err = unit_presence_add(dirs, "swapspace.service", &p);

	if (err < 0 || !p.enabled)
		return err;
	err = setting_read(dirs, &directory, NULL, asking_take, &x);
	if (err >= 0)
		report_swap(c, "swapspace", path_or(x.last, "/var/lib/swapspace"),
			    "run systemctl disable swapspace");
	return err;
}

/* Its generator is what enables it. */
static bool has_rpi_swap(const struct checking *c)
{
	static const char *const dirs[] = { "/usr/lib/systemd/system-generators",
					    "/lib/systemd/system-generators" };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (rootfs_has(&c->l->root, dirs[i], "rpi-swap-generator"))
			return true;
	return false;
}

/* Does the mechanism need a file? rpi-swap takes unknown values for "auto". */
static bool uses_file(const char *mechanism)
{
	static const char *const others[] = { "zram", "zram+device", "swapdev", "none" };

	for (size_t i = 0; mechanism && i < ELEMENTSOF(others); i++)
		if (strcmp(mechanism, others[i]) == 0)
			return false;
	return true;
}

static int check_rpi_swap(struct checking *c, const struct unit_dirs *dirs)
{
	static const char *const files[] = { "/etc/rpi/swap.conf", "/etc/rpi/swap.conf.d/*.conf" };
	_cleanup_asking_ struct asking mechanism = { 0 }, path = { 0 };
	const char *file;
	int err;

	if (!has_rpi_swap(c))
		return 0;
	err = ask(dirs, files, "Main", "Mechanism", &mechanism);
	if (err >= 0)
		err = ask(dirs, files, "File", "Path", &path);
	if (err < 0 || !uses_file(mechanism.last))
		return err;
	file = path_or(path.last, "/var/swap");
	if (!path_is_api(file)) /* else it is a device */
		report_swap(c, "rpi-swap", file,
			    "boot with rofs=off, set Mechanism=zram in the section [Main] of "
			    "/etc/rpi/swap.conf.d/rofs.conf, and delete the swap file");
	return 0;
}

int check_swap_programs(struct checking *c)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	int err = check_swapspace(c, &dirs);

	return err < 0 ? err : check_rpi_swap(c, &dirs);
}
