/* SPDX-License-Identifier: MIT */
#include "system/mount-extra.h"

#include <string.h>

#include "basic/path.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"

#define CMDLINE_PATH "/proc/cmdline"
#define FIELDS_MAX   4u

struct reading {
	const struct rootfs *rootfs;
	struct diag *diag;
	struct facts *facts;
	struct mount_points *mount_points;
};

/* The digits of "\x3a" or "\072". Returns: their number, or 0 when it is no such escape. */
static size_t read_number(const char *s, char *ret)
{
	bool hex = *s == 'x';
	const char *digits = hex ? "0123456789abcdef" : "01234567";
	size_t wanted = hex ? 2 : 3;
	unsigned value = 0;

	s += hex;
	for (size_t i = 0; i < wanted; i++) {
		const char *digit = s[i] ? strchr(digits, s[i] | (s[i] >= 'A' ? 0x20 : 0)) : NULL;

		if (!digit)
			return 0;
		value = value * (hex ? 16 : 8) + (unsigned)(digit - digits);
	}
	*ret = (char)value;
	return value > 0 && value < 256 ? wanted + hex : 0;
}

/* What follows a backslash, as cunescape_one() of systemd's escape.c, without \u. */
static size_t unescape(const char *s, char *ret)
{
	static const char from[] = "abfnrtv\\\"'s", to[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *found = *s ? strchr(from, *s) : NULL;

	if (!found)
		return read_number(s, ret);
	*ret = to[found - from];
	return 1;
}

/*
 * Splits at colons, in place; those that are missing are "". A colon within a field is escaped.
 *
 * Returns: the number of fields, or 0 when it cannot be split so.
 */
static size_t split(char *s, char *fields[FIELDS_MAX])
{
	char *to = s;
	size_t n = 0;

	fields[n++] = s;
	for (; *s; s++) {
		if (*s == ':') {
			*to++ = '\0';
			if (n == FIELDS_MAX)
				return 0;
			fields[n++] = to;
		} else if (*s == '\\') {
			size_t used = unescape(s + 1, to++);

			if (used == 0)
				return 0;
			s += used;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	for (size_t i = n; i < FIELDS_MAX; i++)
		fields[i] = to;
	return n;
}

static bool is_mounted(const struct facts *f, const char *dir)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		if (!fstab_is_swap(&f->fstab[i]) && strcmp(f->fstab[i].dir, dir) == 0)
			return true;
	return false;
}

static int add_entry(struct reading *g, const char *spec, const char *dir, const char *type,
		     const char *options)
{
	struct facts *f = g->facts;
	struct fstab_entry *e;

	if (array_reserve(f->fstab, f->n_fstab) < 0)
		return -ENOMEM;
	e = &f->fstab[f->n_fstab++];
	*e = (struct fstab_entry){
		.spec = strdup(spec),
		.dir = strdup(dir),
		.type = strdup(*type ? type : "auto"),
		.options = strdup(*options ? options : "defaults"),
		.file = strdup(CMDLINE_PATH),
		.passno = 1, /* systemd checks it */
	};
	if (!e->spec || !e->dir || !e->type || !e->options || !e->file ||
	    fstab_read_source(g->rootfs, g->mount_points, e) < 0)
		return -ENOMEM;
	return mount_points_add(g->mount_points, e);
}

/* Returns: 0 or -ENOMEM. */
static int add_mount(struct reading *g, char *fields[FIELDS_MAX])
{
	_cleanup_free_ char *dir = NULL;
	int err;

	path_clean(fields[1]);
	err = rootfs_resolve_up_to(g->rootfs, fields[1], &g->mount_points->all, &dir);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || is_mounted(g->facts, dir))
		return 0;
	return add_entry(g, fields[0], dir, fields[2], fields[3]);
}

static int read_mount(void *data, const char *value)
{
	struct reading *g = data;
	_cleanup_free_ char *copy = strdup(value);
	char *fields[FIELDS_MAX];
	size_t n = copy ? split(copy, fields) : 0;

	if (!copy)
		return -ENOMEM;
	if (n >= 2 && fields[0][0] && strcmp(fields[2], "swap") == 0)
		return add_entry(g, fields[0], "none", "swap", fields[3]);
	if (n >= 2 && fields[0][0] && fields[1][0] == '/')
		return add_mount(g, fields);
	diag_warning(g->diag, (struct pos){ .file = CMDLINE_PATH },
		     "systemd.mount-extra=%s is ignored; expected WHAT:WHERE[:TYPE[:OPTIONS]]",
		     value);
	return 0;
}

static int read_swap(void *data, const char *value)
{
	struct reading *g = data;
	_cleanup_free_ char *copy = strdup(value);
	char *fields[FIELDS_MAX];
	size_t n = copy ? split(copy, fields) : 0;

	if (!copy)
		return -ENOMEM;
	if ((n == 1 || n == 2) && fields[0][0])
		return add_entry(g, fields[0], "none", "swap", fields[1]);
	diag_warning(g->diag, (struct pos){ .file = CMDLINE_PATH },
		     "systemd.swap-extra=%s is ignored; expected WHAT[:OPTIONS]", value);
	return 0;
}

int mount_extra_read(const struct rootfs *r, const char *cmdline, struct diag *d, struct facts *f,
		     struct mount_points *m)
{
	struct reading g = { r, d, f, m };
	int err = boot_each_value(cmdline, "systemd.mount-extra=", read_mount, &g);

	return err < 0 ? err : boot_each_value(cmdline, "systemd.swap-extra=", read_swap, &g);
}
