/* SPDX-License-Identifier: MIT */
/* Which lines of fstab are about partitions with data, and which about the device of /. */
#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/dependencies.h"
#include "plan/mount-flags.h"
#include "plan/unit-name.h"
#include "rofs/suggest/deciding.h"

#define DEVICE_BYTES_MAX 200u /* of Device= */

/* Programs, what the boot loader reads, and what nobody expects to be kept. */
static bool is_for_data(const char *dir)
{
	static const char *const others[] = { "/usr", "/opt", "/boot", "/efi",
					      "/etc", "/tmp", "/bin",  "/var/tmp" };

	if (deciding_is_always_overlaid(dir))
		return false;
	for (size_t i = 0; i < ELEMENTSOF(others); i++)
		if (path_is_at_or_below(dir, others[i]))
			return false;
	return true;
}

/* Where is the device of a line of fstab? NULL: it names none. */
static int device_of(const struct fstab_entry *e, char **ret)
{
	int err = unit_name_device_path(e->spec, ret);

	return err == -EINVAL ? 0 : err;
}

int decide_on_root(struct deciding *x)
{
	const struct fstab_entry *root = x->fstab.root;
	const struct facts *f = x->m->facts;
	_cleanup_free_ char *device = NULL;
	int err;

	x->on_root = calloc(f->n_fstab + 1, sizeof(bool));
	if (!x->on_root)
		return -ENOMEM;
	err = root && root->spec ? device_of(root, &device) : 0;
	for (size_t i = 0; i < f->n_fstab && err >= 0 && device; i++) {
		_cleanup_free_ char *other = NULL;

		err = device_of(&f->fstab[i], &other);
		x->on_root[i] = other && &f->fstab[i] != root && strcmp(other, device) == 0 &&
				!fstab_is_kept_read_only(&f->fstab[i]);
	}
	return err;
}

/* Does another line name the same device, as with subvolumes? Then a partition cannot stand for both. */
static int is_shared(const struct deciding *x, const struct fstab_entry *e, bool *ret)
{
	const struct facts *f = x->m->facts;
	_cleanup_free_ char *device = NULL;
	int err = device_of(e, &device);

	*ret = !device;
	for (size_t i = 0; i < f->n_fstab && err >= 0 && !*ret; i++) {
		_cleanup_free_ char *other = NULL;

		if (&f->fstab[i] == e)
			continue;
		err = device_of(&f->fstab[i], &other);
		*ret = other && strcmp(other, device) == 0;
	}
	return err;
}

/* What it says to mount(8) and systemd is said by other keys, or has no meaning there. */
static bool is_of_file_system(const char *word, size_t n)
{
	static const char *const others[] = { "rw",	"defaults",   "auto",	    "noauto",
					      "nofail", "fail",	      "user",	    "users",
					      "nouser", "owner",      "group",	    "_netdev",
					      "exec",	"async",      "relatime",   "noatime",
					      "atime",	"nodiratime", "strictatime" };

	if (n == 0 || strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(others); i++)
		if (strlen(others[i]) == n && strncmp(word, others[i], n) == 0)
			return false;
	return true;
}

static int options_of(const struct fstab_entry *e, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (const char *s = e->options; *s;) {
		size_t n = strcspn(s, ",");
		_cleanup_free_ char *word = strndup(s, n);

		if (!word)
			return -ENOMEM;
		if (is_of_file_system(s, n) && !mount_flags_named(word))
			strbuf_addf(&b, ",%s", word);
		s += n + (s[n] == ',');
	}
	return strbuf_take(&b, ret);
}

/* A blank at the end of a value does not belong to it. */
static bool ends_in_blank(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && text[n - 1] == ' ';
}

bool deciding_can_be_written(const char *device, const char *options)
{
	return strlen(device) <= DEVICE_BYTES_MAX && !text_has_control(device) &&
	       !ends_in_blank(device) && text_is_utf8(device, strlen(device)) &&
	       text_is_utf8(options, strlen(options)) && !text_has_control(options) &&
	       !strpbrk(options, " \\\"'");
}

static bool is_kept_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static bool is_taken(const struct deciding *x, const char *name)
{
	if (machine_has(&x->m->declared_names, name))
		return true;
	for (size_t i = 0; i < x->n_lines; i++)
		if (strcmp(x->lines[i].name, name) == 0)
			return true;
	return false;
}

void deciding_name_partition(const struct deciding *x, const char *from, char *ret)
{
	char base[PARTITION_NAME_MAX - 15];
	size_t n = 0;

	for (; *from && n < sizeof(base) - 1; from++)
		if (is_kept_letter(*from) && (n > 0 || (*from != '-' && *from != '.')))
			base[n++] = *from;
	base[n] = '\0';
	if (n == 0)
		strcpy(base, "data");
	strcpy(ret, base);
	for (unsigned i = 2; is_taken(x, ret); i++)
		snprintf(ret, PARTITION_NAME_MAX, "%s-%u", base, i);
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void name_line(const struct deciding *x, const struct fstab_entry *e, char *ret)
{
	bool has_label = strncmp(e->spec, "LABEL=", 6) == 0;

	deciding_name_partition(x, has_label ? e->spec + 6 : last_name(e->dir), ret);
}

/*
 * Units that unlock or assemble the device are those of the partition as well. One that waits for it, or
 * that is a mount, is about the mount point: false.
 */
static bool add_unit(struct strbuf *requires, struct strbuf *after, const struct plan_dependency *d)
{
	struct strbuf *b = d->kind == DEPENDENCY_REQUIRES ? requires : after;

	if (d->kind != DEPENDENCY_REQUIRES && d->kind != DEPENDENCY_AFTER)
		return false;
	if (strcmp(strrchr(d->name, '.'), ".mount") == 0)
		return false;
	strbuf_addf(b, "%s%s", b->len ? " " : "", d->name);
	return true;
}

/* @ret: can [Partition] say it? */
static int add_units(struct data_line *line, bool *ret)
{
	_cleanup_dependencies_ struct plan_dependencies d = { 0 };
	_cleanup_strbuf_ struct strbuf requires = { 0 }, after = { 0 };
	_cleanup_diag_ struct diag unheard = { 0 };
	int err = dependencies_add_fstab(&d, line->entry, &unheard);

	*ret = true;
	for (size_t i = 0; i < d.n && err >= 0 && *ret; i++)
		*ret = add_unit(&requires, &after, &d.list[i]);
	if (err >= 0)
		err = strbuf_take(&requires, &line->requires);
	return err < 0 ? err : strbuf_take(&after, &line->after);
}

static int is_data_line(struct deciding *x, const struct fstab_entry *e, bool *ret)
{
	bool shared, named;
	int err;

	*ret = false;
	/* A mount unit cannot be replaced, but for one of fstab. */
	if (e->file || !fstab_is_sound(e) || !is_for_data(e->dir) || fstab_is_network(e) ||
	    fstab_is_bind(e) || fstab_is_initrd(e) || fstab_has_option(e->options, "ro") ||
	    fstab_has_option(e->options, "loop") || deciding_line_of(x, e->dir) ||
	    file_system_by_name(e->type)->read_only)
		return 0;
	err = is_shared(x, e, &shared);
	if (err < 0 || shared)
		return err;
	if (machine_has(&x->m->declared_devices, e->spec))
		return suggested_text_add(
			&x->s->notes,
			"Left as it is: %s, whose device a file in rofs.conf.d declares as a partition.",
			e->dir);
	if (machine_has(&x->m->absent, e->dir) && fstab_has_option(e->options, "nofail"))
		return suggested_text_add(&x->s->notes,
					  "Left to fstab: %s, whose device is not mounted now.",
					  e->dir);
	err = deciding_can_be_named(x, CONF_PERSIST, e->dir, &named);
	*ret = named;
	return err;
}

static void line_done(struct data_line *line)
{
	free(line->options);
	free(line->requires);
	free(line->after);
}

/* @ret: may it stand in rofs.conf? If not, adds a note. */
static int can_be_section(struct deciding *x, struct data_line *line, bool *ret)
{
	const struct fstab_entry *e = line->entry;
	const struct machine_refusal *refusal = machine_refusal(x->m, CONF_PARTITION, e->spec);
	struct suggested_text *notes = &x->s->notes;
	bool units;
	int err = options_of(e, &line->options);

	*ret = false;
	if (err >= 0)
		err = add_units(line, &units);
	if (err < 0)
		return err;
	if (!units)
		return suggested_text_add(
			notes,
			"Left to fstab: %s, since line %u names units that must be started before or after it.",
			e->dir, e->line);
	if (!deciding_can_be_written(e->spec, line->options))
		return suggested_text_add(
			notes,
			"Left to fstab: %s, whose device or options cannot be written in rofs.conf.",
			e->dir);
	if (refusal)
		return suggested_text_add(notes, "Left to fstab: %s. %s", e->dir, refusal->why);
	*ret = true;
	return 0;
}

static int add_line(struct deciding *x, const struct fstab_entry *e)
{
	_cleanup_(line_done) struct data_line line = { .entry = e };
	bool is_one;
	int err = is_data_line(x, e, &is_one);

	if (err >= 0 && is_one)
		err = can_be_section(x, &line, &is_one);
	if (err < 0 || !is_one)
		return err;
	/* user and users imply some, unless the line says otherwise: mount(8). */
	line.flags = mount_flags(e->options) & ~(unsigned)MOUNT_READ_ONLY;
	name_line(x, e, line.name);
	if (array_reserve(x->lines, x->n_lines) < 0)
		return -ENOMEM;
	x->lines[x->n_lines++] = line;
	line = (struct data_line){ 0 };
	return 0;
}

int decide_lines(struct deciding *x)
{
	for (size_t i = 0; i < x->fstab.n; i++) {
		int err = add_line(x, x->fstab.entries[i]);

		if (err < 0)
			return err;
	}
	return 0;
}
