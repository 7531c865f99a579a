/* SPDX-License-Identifier: MIT */
/* Which lines of fstab are about partitions with data, and which about the device of /. */
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
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

bool deciding_can_be_written(const char *device, const char *options)
{
	return strlen(device) <= DEVICE_BYTES_MAX && !text_has_control(device) &&
	       text_is_utf8(device, strlen(device)) && text_is_utf8(options, strlen(options)) &&
	       !text_has_control(options) && !strpbrk(options, " \\\"'");
}

static bool is_kept_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static bool is_taken(const struct deciding *x, const char *name)
{
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

/* Units that unlock or assemble the device, or that wait for it. */
static bool names_units(const struct fstab_entry *e)
{
	static const char *const options[] = {
		"x-systemd.requires",	     "x-systemd.before",
		"x-systemd.after",	     "x-systemd.wanted-by",
		"x-systemd.required-by",     "x-systemd.requires-mounts-for",
		"x-systemd.wants-mounts-for"
	};

	for (size_t i = 0; i < ELEMENTSOF(options); i++)
		if (fstab_has_option(e->options, options[i]))
			return true;
	return false;
}

static int is_data_line(struct deciding *x, const struct fstab_entry *e, bool *ret)
{
	bool shared, named;
	int err;

	*ret = false;
	if (!fstab_is_sound(e) || !is_for_data(e->dir) || fstab_is_network(e) || fstab_is_bind(e) ||
	    fstab_is_initrd(e) || fstab_has_option(e->options, "ro") ||
	    fstab_has_option(e->options, "loop") || deciding_line_of(x, e->dir))
		return 0;
	err = is_shared(x, e, &shared);
	if (err < 0 || shared)
		return err;
	if (names_units(e))
		return suggested_text_add(
			&x->s->notes,
			"Left to fstab: %s, since line %u names units that must be started before or after it.",
			e->dir, e->line);
	if (machine_has(&x->m->absent, e->dir) && fstab_has_option(e->options, "nofail"))
		return suggested_text_add(&x->s->notes,
					  "Left to fstab: %s, whose device is not mounted now.",
					  e->dir);
	err = deciding_can_be_named(x, CONF_PERSIST, e->dir, &named);
	*ret = named;
	return err;
}

static int add_line(struct deciding *x, const struct fstab_entry *e)
{
	struct data_line line = { .entry = e };
	bool is_one;
	int err = is_data_line(x, e, &is_one);

	if (err < 0 || !is_one)
		return err;
	/* user and users imply some, unless the line says otherwise: mount(8). */
	line.flags = mount_flags(e->options) & ~(unsigned)MOUNT_READ_ONLY;
	err = options_of(e, &line.options);
	if (err < 0)
		return err;
	if (!deciding_can_be_written(e->spec, line.options)) {
		free(line.options);
		return suggested_text_add(
			&x->s->notes,
			"Left to fstab: %s, whose device or options cannot be written in rofs.conf.",
			e->dir);
	}
	name_line(x, e, line.name);
	if (array_reserve(x->lines, x->n_lines) < 0) {
		free(line.options);
		return -ENOMEM;
	}
	x->lines[x->n_lines++] = line;
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
