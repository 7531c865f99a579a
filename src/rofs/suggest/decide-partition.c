/* SPDX-License-Identifier: MIT */
/* Which partitions keep data: those that fstab mounts for it, and those that nothing uses. */
#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/mount-flags.h"
#include "plan/unit-name.h"
#include "rofs/suggest/deciding.h"

#define DEVICE_BYTES_MAX 200u /* of Device= */
#define DEFAULT_OPTIONS	 "noatime,nodev,nosuid"

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

static bool can_be_written(const char *device, const char *options)
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

/* After its label or its directory, as far as a [Partition] can be called so. */
static void name_partition(const struct deciding *x, const char *from, char *ret)
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

	name_partition(x, has_label ? e->spec + 6 : last_name(e->dir), ret);
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
	if (!can_be_written(e->spec, line.options)) {
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

/* Is it made for owners and modes of Linux, and writable? */
static bool can_host(const char *type)
{
	static const char *const types[] = { "auto", "ext3", "ext4", "xfs", "btrfs", "f2fs" };

	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* Does its name say that it is for data? */
static bool sounds_like_data(const char *name)
{
	static const char *const words[] = { "data", "persist", "storage", "state", "rofs", "srv" };

	for (size_t i = 0; name && i < ELEMENTSOF(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

static const struct machine_device *best_device(const struct machine *m)
{
	const struct machine_device *best = NULL;

	for (size_t i = 0; i < m->n_devices; i++) {
		const struct machine_device *d = &m->devices[i];
		bool named = sounds_like_data(d->label);

		if (!can_host(d->type) || !can_be_written(d->spec, ""))
			continue;
		if (!best || named > sounds_like_data(best->label) ||
		    (named == sounds_like_data(best->label) && d->bytes > best->bytes))
			best = d;
	}
	return best;
}

/* Of fstab's, rather one that is there for data in general than the home of the users. */
static const struct data_line *best_line(const struct deciding *x)
{
	const struct data_line *best = NULL;

	for (size_t i = 0; i < x->n_lines; i++) {
		const struct data_line *line = &x->lines[i];
		bool named = sounds_like_data(line->name) || sounds_like_data(line->entry->dir);

		if (!can_host(line->entry->type) || machine_has(&x->m->foreign, line->entry->dir))
			continue;
		if (!best ||
		    (named && !sounds_like_data(best->name) && !sounds_like_data(best->entry->dir)))
			best = line;
	}
	return best;
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

int decide_host(struct deciding *x)
{
	if (x->n_kept == 0)
		return 0;
	x->host_device = best_device(x->m);
	x->host_line = x->host_device ? NULL : best_line(x);
	if (x->host_line)
		strcpy(x->host_name, x->host_line->name);
	else
		name_partition(
			x, x->host_device && x->host_device->label ? x->host_device->label : "data",
			x->host_name);
	return 0;
}

static bool holds_programs(const struct deciding *x)
{
	for (size_t i = 0; i < x->m->n_paths; i++)
		for (size_t k = 0; k < x->n_kept; k++)
			if (x->m->paths[i].use <= USE_MACHINES &&
			    path_is_at_or_below(x->m->paths[i].path, x->kept[k]->path))
				return true;
	return false;
}

#define WHY_PROGRAMS "Not nodev,nosuid: containers hold set-user-ID programs, and may hold devices."

/* What holds directories of several programs is as restricted as it can be; its own line stays in fstab. */
static int set_host_options(const struct deciding *x, struct suggested_section *s,
			    const char *others)
{
	if (holds_programs(x))
		return suggested_section_set(s, WHY_PROGRAMS, "Options=noatime%s", others);
	if (!*others)
		return 0;
	return suggested_section_set(s, "The default, and the options in fstab.",
				     "Options=" DEFAULT_OPTIONS "%s", others);
}

static int set_line_options(struct suggested_section *s, const struct data_line *line)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, "noatime");
	mount_flags_add(&b, line->flags);
	strbuf_add(&b, line->options);
	if (b.failed)
		return -ENOMEM;
	return suggested_section_set(s, "As in fstab, and noatime, so that reading does not write.",
				     "Options=%s", b.text);
}

static int add_line_section(struct deciding *x, const struct data_line *line)
{
	const struct fstab_entry *e = line->entry;
	bool is_host = line == x->host_line;
	struct suggested_section *s;
	int err;

	err = suggestion_add(x->s, CONF_PARTITION, line->name, &s,
			     "The partition that line %u of /etc/fstab mounts on %s.%s", e->line,
			     e->dir,
			     is_host ?
				     " It also holds what else must be kept, below /rofs; what is "
				     "there already stays where it is." :
				     "");
	if (err >= 0)
		err = suggested_section_set(s, NULL, "Device=%s", e->spec);
	if (err < 0)
		return err;
	return is_host ? set_host_options(x, s, line->options) : set_line_options(s, line);
}

static int add_device_section(struct deciding *x, const struct machine_device *d)
{
	struct suggested_section *s;
	char size[TEXT_BYTES_MAX];
	int err;

	err = suggestion_add(
		x->s, CONF_PARTITION, x->host_name, &s,
		"%s, %s, %s%s%s: neither mounted nor in /etc/fstab. What must be kept is "
		"written below /rofs on it; what else it holds is not touched.",
		d->node, d->type, text_bytes(size, d->bytes), d->label ? ", label " : "",
		d->label ? d->label : "");
	if (err >= 0)
		err = suggested_section_set(s, NULL, "Device=%s", d->spec);
	return err;
}

/* There is none: what it would look like. */
static int add_missing_section(struct deciding *x)
{
	struct suggested_section *s;
	int err = suggestion_add(x->s, CONF_PARTITION, x->host_name, &s,
				 "The partition for what must be kept. This machine has none yet.");

	if (err < 0)
		return err;
	s->commented = true;
	return suggested_section_set(s, NULL, "Device=LABEL=%s", x->host_name);
}

int decide_partition_sections(struct deciding *x)
{
	int err = 0;

	for (size_t i = 0; i < x->n_lines && err >= 0; i++)
		err = add_line_section(x, &x->lines[i]);
	if (err < 0 || x->n_kept == 0 || x->host_line)
		return err;
	err = x->host_device ? add_device_section(x, x->host_device) : add_missing_section(x);
	return err < 0 ? err : set_host_options(x, &x->s->sections[x->s->n_sections - 1], "");
}
