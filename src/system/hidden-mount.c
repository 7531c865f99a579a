/* SPDX-License-Identifier: MIT */
#include "system/hidden-mount.h"

#include <string.h>

#include "basic/text.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "system/unit-file.h"
#include "system/unit-specifiers.h"

static bool is_on(const struct unit_setting *s, const char *value)
{
	return s && strcmp(s->value, value) == 0;
}

/* From what the plan is made of as well, or empty in each boot. */
static bool is_harmless(const struct unit_file *u)
{
	const struct unit_setting *source = unit_file_last(u, "Unit", "SourcePath"),
				  *type = unit_file_last(u, "Mount", "Type"),
				  *what = unit_file_last(u, "Mount", "What");

	return is_on(source, FSTAB_PATH) || is_on(source, "/proc/cmdline") ||
	       is_on(type, "tmpfs") || is_on(type, "ramfs") || is_on(what, "tmpfs");
}

/* Returns: 1 if a link pulls the unit in, 0 or -ENOMEM. */
static int is_pulled(const struct rootfs *r, const char *unit)
{
	static const enum unit_origin origins[] = { UNIT_ORIGIN_RUN, UNIT_ORIGIN_IMAGE };

	for (size_t i = 0; i < ELEMENTSOF(origins); i++) {
		_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(r, origins[i]);
		_cleanup_unit_names_ struct unit_names links = { 0 };
		int err = unit_dirs_links(&dirs, unit, &links);

		if (err < 0 || links.n > 0)
			return err < 0 ? err : 1;
	}
	return 0;
}

/* By itself, or by its automount unit. systemd-gpt-auto-generator makes no unit that it does not pull in. */
static int is_mounted(const struct rootfs *r, const struct plan_overlay *o,
		      const struct unit_file *u)
{
	_cleanup_free_ char *automount = NULL;
	int pulled;

	if (strcmp(u->fragment_dir, "/run/systemd/generator.late") == 0)
		return 1;
	pulled = is_pulled(r, o->bind_unit);
	if (pulled != 0)
		return pulled;
	if (unit_name_from_path(o->path, ".automount", &automount) < 0)
		return 0;
	return is_pulled(r, automount);
}

static int describe(const struct unit_file *u, const struct plan_overlay *o,
		    struct observed_hidden *ret)
{
	const struct unit_setting *what = unit_file_last(u, "Mount", "What");
	_cleanup_free_ char *unit = strdup(u->files[0]);
	char *source = NULL;
	int err = what ? unit_specifiers_expand(what->value, o->bind_unit, o->path, &source) : 0;

	if (err < 0 || !unit)
		return -ENOMEM;
	if (!source)
		source = strdup(what ? what->value : "a file system");
	if (!source)
		return -ENOMEM;
	*ret = (struct observed_hidden){ .unit = TAKE_PTR(unit), .what = source };
	return 1;
}

int hidden_mount_find(const struct rootfs *r, const struct plan_overlay *o,
		      struct observed_hidden *ret)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = { 0 };
	_cleanup_unit_file_ struct unit_file u = { 0 };
	int err;

	/* Then it has become the lower, or counts for more than what is in /run. */
	if (o->lower_entry && strcmp(o->lower_entry->dir, o->path) == 0)
		return 0;
	dirs = unit_dirs_open(r, UNIT_ORIGIN_RUN);
	err = unit_file_read(&dirs, o->bind_unit, &u);
	if (err < 0 || u.unread)
		return err < 0 ? err : u.unread;
	if (!u.has_fragment || is_harmless(&u))
		return 0;
	err = is_mounted(r, o, &u);
	return err > 0 ? describe(&u, o, ret) : err;
}
