/* SPDX-License-Identifier: MIT */
#include "plan/plan-names.h"

#include <string.h>

#include "plan/unit-name.h"

static int name_too_long(struct building *b, const struct conf_section *s, const char *path)
{
	return diag_error(
		b->diag, s->pos,
		"[%s %s]: the unit name of %s would be longer than %u bytes, which systemd "
		"does not accept",
		conf_kind_to_string(s->kind), s->name, path, UNIT_NAME_BYTES_MAX);
}

int plan_name_unit(struct building *b, const struct conf_section *s, const char *path,
		   const char *suffix, char **ret)
{
	int err = unit_name_from_path(path, suffix, ret);

	return err == -ENAMETOOLONG ? name_too_long(b, s, path) : err;
}

int plan_name_device(struct building *b, const struct conf_section *s, const char *path, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err;

	/*
	 * The directory of its drop-ins has two letters more, and may not be longer than a unit
	 * name either.
	 */
	err = plan_name_unit(b, s, path, ".device.d", &name);
	if (err < 0)
		return err;

	name[strlen(name) - strlen(".d")] = '\0';
	*ret = TAKE_PTR(name);
	return 0;
}

int plan_name_fsck(struct building *b, const struct conf_section *s, const char *path, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err;

	/* The directory of its drop-ins: as with a device. */
	err = unit_name_instance("systemd-fsck", path, &name);
	if (err >= 0 && strlen(name) + strlen(".d") > UNIT_NAME_BYTES_MAX)
		err = -ENAMETOOLONG;
	if (err < 0)
		return err == -ENAMETOOLONG ? name_too_long(b, s, path) : err;

	*ret = TAKE_PTR(name);
	return 0;
}
