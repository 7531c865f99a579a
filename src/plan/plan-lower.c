/* SPDX-License-Identifier: MIT */
/* The file systems of fstab that must be seen below /rofs/ro. */
#include "plan/plan-lower.h"

#include <string.h>

#include "basic/path.h"
#include "plan/mount-flags.h"
#include "plan/plan-names.h"
#include "plan/unit-name.h"

/* How long to wait for a device that fstab says may be missing, where it does not say how long. */
#define NOFAIL_TIMEOUT_USEC (30 * UINT64_C(1000000))

/* A name that is too long is systemd's to deal with, where we set nothing on the unit. */
static int lower_device_unit(struct plan_lower *l)
{
	int err = unit_name_from_path(l->device_path, ".device", &l->device_unit);

	return err == -ENAMETOOLONG ? 0 : err;
}

/* Sets device_unit, and timeout_usec unless systemd's own is good. */
static int lower_timeout(struct building *b, const struct conf_section *s, struct plan_lower *l)
{
	const char *options = l->entry->options;
	int err;

	err = dependencies_timeout(options, "x-systemd.device-timeout", &l->timeout_usec);
	if (err >= 0 && l->timeout_usec == 0)
		err = dependencies_timeout(options, "comment=systemd.device-timeout",
					   &l->timeout_usec);
	if (err < 0)
		return err;
	if (l->timeout_usec == 0) {
		/* With nofail the boot would not wait at all; but the overlay must be early. */
		if (!fstab_has_option(options, "nofail"))
			return lower_device_unit(l);
		l->timeout_usec = NOFAIL_TIMEOUT_USEC;
	}
	return plan_name_device(b, s, l->device_path, &l->device_unit);
}

/* Does the file system of this entry become the lower of an overlay on its mount point? */
static bool becomes_lower(const struct building *b, const struct fstab_entry *e)
{
	const struct claim *c = claims_find(b->claims, b->n_claims, e->dir);

	return c && c->section->kind == CONF_OVERLAY;
}

/* What a persist shows comes too late, and the root has something else there. */
static int check_no_persist(struct building *b, const struct conf_section *s,
			    const struct fstab_entry *e, const char *spec)
{
	_cleanup_free_ char *path = strdup(spec);
	const struct claim *c;

	if (!path)
		return -ENOMEM;
	c = claims_at_or_above(b->claims, b->n_claims, path);
	if (!c || c->section->kind != CONF_PERSIST)
		return 0;
	b->because_of_other = true;
	diag_error(
		b->diag, s->pos,
		"[%s %s]: %s mounts %s there, which is in [Persist %s] and not on the root file "
		"system; expected a [Persist %s] with a directory of that partition, or no such entry "
		"in %s",
		conf_kind_to_string(s->kind), s->name, fstab_origin(e), spec, c->section->name,
		e->dir, fstab_origin(e));
	diag_note(b->diag, fstab_pos(e), "%s mounts it here", fstab_origin(e));
	diag_note(b->diag, c->section->pos, "the persist is declared here");
	return -EBADMSG;
}

/*
 * Everything but a device is named as in fstab; but a path of the root file system is taken from the
 * untouched one: it may be covered by an overlay.
 */
static int lower_source(struct building *b, const struct conf_section *s, struct plan_lower *l)
{
	const char *spec = l->entry->spec;
	_cleanup_free_ char *clean = strdup(spec);
	const struct fstab_entry *above;
	int err;

	if (!clean)
		return -ENOMEM;
	if (!fstab_is_of_path(l->entry))
		return text_format(&l->what, "%s", spec);
	path_clean(clean);
	err = check_no_persist(b, s, l->entry, clean);
	if (err < 0)
		return err;
	above = fstab_at_or_above(&b->fstab, clean);
	if (path_has_dotdot(clean) || (above && !becomes_lower(b, above)))
		return text_format(&l->what, "%s", spec);
	return text_format(&l->what, "/rofs/ro%s", strcmp(clean, "/") == 0 ? "" : clean);
}

/* As for bcachefs. systemd takes the field for one name, also in its own unit for this entry. */
static void check_one_device(struct building *b, const struct conf_section *s,
			     const struct fstab_entry *e)
{
	if (strstr(e->spec, ":/dev/"))
		diag_warning(
			b->diag, fstab_pos(e),
			"[%s %s]: systemd waits for a single device named %s, which never appears; "
			"expected UUID= of the file system in this entry",
			conf_kind_to_string(s->kind), s->name, e->spec);
}

static int lower_device(struct building *b, const struct conf_section *s, struct plan_lower *l)
{
	int err;

	err = unit_name_device_path(l->entry->spec, &l->device_path);
	if (err == -EINVAL)
		return lower_source(b, s, l); /* nothing to wait for or to check */
	if (err >= 0)
		err = text_format(&l->what, "%s", l->device_path);
	if (err < 0)
		return err;

	check_one_device(b, s, l->entry);
	if (l->entry->passno > 0) {
		err = plan_name_fsck(b, s, l->device_path, &l->fsck_unit);
		if (err < 0)
			return err;
	}

	return lower_timeout(b, s, l);
}

/* It speaks to systemd, which reads it from the options of the mount unit. */
static void add_device_bound(struct strbuf *b, const char *options)
{
	static const char name[] = "x-systemd.device-bound";

	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);

		if (n >= strlen(name) && strncmp(s, name, strlen(name)) == 0 &&
		    (n == strlen(name) || s[strlen(name)] == '=')) {
			strbuf_add_char(b, ',');
			strbuf_add_n(b, s, n);
		}
		s += n + (s[n] == ',');
	}
}

/* The options of the file system itself as the lower. */
static int lower_options(struct plan_lower *l)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *options = NULL;
	const char *given = l->entry->options;
	int err;

	err = fstab_options_read_only(given, &options);
	if (err < 0)
		return err;
	strbuf_add(&b, options);
	/* Those of "user", which is left out. */
	mount_flags_add(&b, mount_flags(given) & ~mount_flags(options));
	/* A bind joins the peers of what it is bound from: what is mounted there would show here. */
	if (fstab_is_bind(l->entry))
		strbuf_add(&b, ",private");
	add_device_bound(&b, given);
	return strbuf_take(&b, &l->options);
}

/* What the line says to systemd about the mount. */
static int lower_dependencies(struct building *b, struct plan_lower *l)
{
	int err = dependencies_timeout(l->entry->options, "x-systemd.mount-timeout",
				       &l->mount_timeout_usec);

	if (err >= 0)
		err = dependencies_add_fstab(&l->dependencies, l->entry, b->diag);
	return err < 0 ? err : dependencies_simplify(&l->dependencies);
}

/* A bind with a flag of its own has no other flags. */
static int bind_options(struct plan_lower *l)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, "bind,ro,private");
	mount_flags_add(&b, mount_flags(l->entry->options) & ~(unsigned)MOUNT_READ_ONLY);
	return strbuf_take(&b, &l->options);
}

/*
 * Makes the file system of a fstab entry visible below /rofs/ro, where the bind of / shows only an
 * empty mount point.
 */
static int add_lower(struct building *b, const struct conf_section *s, const struct fstab_entry *e,
		     bool bind)
{
	struct plan *p = &b->plan;
	_cleanup_(
		plan_lower_done) struct plan_lower l = { .entry = e, .bind = bind, .pos = s->pos };
	int err;

	if (b->lower_of[e - p->facts->fstab] != NO_INDEX)
		return 0;
	if (!bind && e->refused)
		return diag_error(b->diag, fstab_pos(e),
				  "[%s %s]: rofs cannot mount %s as this unit does: %s",
				  conf_kind_to_string(s->kind), s->name, e->dir, e->refused);
	err = text_format(&l.where, "/rofs/ro%s", e->dir);
	if (err < 0)
		return err;
	err = array_reserve(p->lowers, p->n_lowers);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, l.where, ".mount", &l.unit);
	if (err < 0)
		return err;
	if (bind) {
		err = bind_options(&l);
		if (err >= 0)
			err = text_format(&l.what, "%s", e->dir);
	} else {
		err = lower_options(&l);
		if (err >= 0)
			err = lower_dependencies(b, &l);
		if (err >= 0)
			err = lower_device(b, s, &l);
	}
	if (err < 0)
		return err;

	b->lower_of[e - p->facts->fstab] = p->n_lowers;
	p->lowers[p->n_lowers++] = TAKE_STRUCT(l);
	return 0;
}

int plan_lower_of(struct building *b, const struct conf_section *s, const struct fstab_entry *e)
{
	/*
	 * On an overlaid path the device itself becomes the lower; elsewhere fstab mounts it as
	 * ever.
	 */
	bool taken_over = claims_find(b->claims, b->n_claims, e->dir) != NULL;

	return add_lower(b, s, e, !taken_over);
}
