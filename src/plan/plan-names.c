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

/* systemd-debug-generator writes masks and units where rofs writes its own. Frees @name on failure. */
static int check_unmasked(struct building *b, const struct conf_section *s, char **name)
{
	const struct facts *f = b->plan.facts;

	if (unit_names_has(&f->controlled, *name))
		diag_error(
			b->diag, s->pos,
			"[%s %s]: /etc/systemd/system.control/%s takes precedence over the unit of rofs; "
			"expected the unit in /etc/systemd/system, or no such unit",
			conf_kind_to_string(s->kind), s->name, *name);
	else if (!facts_is_masked(f, *name))
		return 0;
	else if (unit_names_has(&f->extra_units, *name))
		diag_error(
			b->diag, s->pos,
			"[%s %s]: the credential systemd.extra-unit.%s takes the place of the unit of rofs; "
			"expected no such credential, or no such section",
			conf_kind_to_string(s->kind), s->name, *name);
	else
		diag_error(
			b->diag, s->pos,
			"[%s %s]: systemd.mask= on the kernel command line masks %s, which this section needs; "
			"expected no such mask, or no such section",
			conf_kind_to_string(s->kind), s->name, *name);
	free(*name);
	*name = NULL;
	return -EBADMSG;
}

int plan_check_unmasked(struct building *b, const struct conf_section *s)
{
	static const char *const shared[] = { "rofs.mount", "rofs-ro.mount" };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(shared) && err >= 0; i++) {
		_cleanup_free_ char *name = strdup(shared[i]);

		err = name ? check_unmasked(b, s, &name) : -ENOMEM;
	}
	return err;
}

bool plan_warn_masked(struct building *b, const char *unit, const char *lost)
{
	bool masked = facts_is_masked(b->plan.facts, unit);

	if (unit_names_has(&b->plan.facts->extra_units, unit))
		diag_warning(b->diag, (struct pos){ .file = "/run/credentials" },
			     "systemd.extra-unit.%s takes the place of the unit of rofs", unit);
	else if (masked)
		diag_warning(b->diag, (struct pos){ .file = "/proc/cmdline" },
			     "systemd.mask= masks %s: %s", unit, lost);
	return masked;
}

int plan_name_unit(struct building *b, const struct conf_section *s, const char *path,
		   const char *suffix, char **ret)
{
	int err = unit_name_from_path(path, suffix, ret);

	if (err == -ENAMETOOLONG)
		return name_too_long(b, s, path);
	return err < 0 ? err : check_unmasked(b, s, ret);
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
	err = check_unmasked(b, s, &name);
	if (err >= 0)
		*ret = TAKE_PTR(name);
	return err;
}

int plan_name_fsck(struct building *b, const struct conf_section *s, const char *path, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err;

	/* The directory of its drop-ins: as with a device. */
	err = unit_name_instance("systemd-fsck", path, &name);
	if (err >= 0 && strlen(name) + strlen(".d") > UNIT_NAME_BYTES_MAX)
		err = -ENAMETOOLONG;
	if (err == -ENAMETOOLONG)
		return name_too_long(b, s, path);
	if (err >= 0)
		err = check_unmasked(b, s, &name);
	if (err >= 0)
		*ret = TAKE_PTR(name);
	return err;
}
