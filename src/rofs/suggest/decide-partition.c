/* SPDX-License-Identifier: MIT */
/* Which partition keeps what must be kept: one that nothing uses, or one that fstab mounts for data. */
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "basic/value.h"
#include "plan/mount-flags.h"
#include "rofs/suggest/deciding.h"

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

bool deciding_fits(const struct deciding *x, const struct machine_device *d)
{
	return deciding_populated_bytes(x) < d->bytes / 10 * 8;
}

static bool is_better(const struct deciding *x, const struct machine_device *a,
		      const struct machine_device *b)
{
	bool fits = deciding_fits(x, a), named = sounds_like_data(a->label);

	if (fits != deciding_fits(x, b))
		return fits;
	if (fits && named != sounds_like_data(b->label))
		return named;
	return a->bytes > b->bytes;
}

static const struct machine_device *best_device(const struct deciding *x)
{
	const struct machine_device *best = NULL;

	for (size_t i = 0; i < x->m->n_devices; i++) {
		const struct machine_device *d = &x->m->devices[i];

		if (!can_host(d->type) || !deciding_can_be_written(d->spec, "") ||
		    machine_has(&x->m->declared_devices, d->spec) ||
		    machine_refusal(x->m, CONF_PARTITION, d->spec))
			continue;
		if (!best || is_better(x, d, best))
			best = d;
	}
	return best;
}

/* One that is there for data in general, and at every boot, rather than the home of the users. */
static unsigned fitness(const struct data_line *line)
{
	bool named = sounds_like_data(line->name) || sounds_like_data(line->entry->dir);

	return (named ? 2u : 0u) + (fstab_has_option(line->entry->options, "nofail") ? 0u : 1u);
}

static const struct data_line *best_line(const struct deciding *x)
{
	const struct data_line *best = NULL;

	for (size_t i = 0; i < x->n_lines; i++) {
		const struct data_line *line = &x->lines[i];

		if (!can_host(line->entry->type) || machine_has(&x->m->foreign, line->entry->dir) ||
		    machine_has(&x->m->absent, line->entry->dir))
			continue;
		if (!best || fitness(line) > fitness(best))
			best = line;
	}
	return best;
}

static bool is_label_in_use(const struct deciding *x, const char *label)
{
	const struct facts *f = x->m->facts;
	char device[sizeof("LABEL=") + PARTITION_NAME_MAX];

	snprintf(device, sizeof(device), "LABEL=%s", label);
	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].spec, device) == 0)
			return true;
	return machine_has(&x->m->declared_devices, device);
}

/* The one that is to be created gets its name as the label. */
static void name_missing(const struct deciding *x, char *ret)
{
	char from[32] = "data";

	for (unsigned i = 2;; i++) {
		deciding_name_partition(x, from, ret);
		if (!is_label_in_use(x, ret))
			return;
		snprintf(from, sizeof(from), "data%u", i);
	}
}

int decide_host(struct deciding *x)
{
	if (x->n_kept == 0)
		return 0;
	x->host_device = best_device(x);
	x->host_line = x->host_device ? NULL : best_line(x);
	if (x->host_line)
		strcpy(x->host_name, x->host_line->name);
	else if (x->host_device)
		deciding_name_partition(x, x->host_device->label ? x->host_device->label : "data",
					x->host_name);
	else
		name_missing(x, x->host_name);
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

static int set_device_options(const struct deciding *x, struct suggested_section *s)
{
	return holds_programs(x) ? suggested_section_set(s, WHY_PROGRAMS, "Options=noatime") : 0;
}

/*
 * What is mounted from it has these flags. But for its own directory, those of its line apply as well,
 * which stays in fstab if other directories are on it.
 */
static unsigned flags_of(const struct deciding *x, const struct data_line *line)
{
	if (line != x->host_line)
		return line->flags;
	return holds_programs(x) ? 0 : line->flags & ~(unsigned)MOUNT_NOEXEC;
}

static int set_line_options(const struct deciding *x, struct suggested_section *s,
			    const struct data_line *line)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	unsigned flags = flags_of(x, line);

	strbuf_add(&b, "noatime");
	mount_flags_add(&b, flags);
	strbuf_add(&b, line->options);
	if (b.failed)
		return -ENOMEM;
	return suggested_section_set(
		s,
		flags == line->flags ?
			"As in fstab, and noatime, so that reading does not write." :
			"As in fstab, and noatime, so that reading does not write; but without what programs "
			"in the persists need.",
		"Options=%s", b.text);
}

static int set_timeout(struct suggested_section *s, const struct fstab_entry *e)
{
	_cleanup_free_ char *value = NULL;
	uint64_t usec;
	int err = fstab_option_value(e->options, "x-systemd.device-timeout", &value);

	if (err < 0 || !value || value_usec(value, &usec) < 0)
		return err;
	return suggested_section_set(s, "As in fstab.", "Timeout=%s", value);
}

static int add_line_section(struct deciding *x, const struct data_line *line)
{
	const struct fstab_entry *e = line->entry;
	bool is_host = line == x->host_line;
	struct suggested_section *s;
	int err;

	err = suggestion_add(
		x->s, CONF_PARTITION, line->name, &s,
		"The partition that line %u of /etc/fstab mounts on %s.%s", e->line, e->dir,
		is_host ? " Keep that line. The partition also holds what else must be kept, "
			  "below /rofs; what is there already stays where it is." :
			  "");
	if (err >= 0)
		err = suggested_section_set(s, NULL, "Device=%s", e->spec);
	/* For ntfs-3g, auto would choose another one, which refuses its options. */
	if (err >= 0 && !can_host(e->type))
		err = suggested_section_set(s, "As in fstab.", "Type=%s", e->type);
	if (err >= 0)
		err = set_timeout(s, e);
	if (err >= 0 && *line->requires)
		err = suggested_section_set(s, "As in fstab.", "Requires=%s", line->requires);
	if (err >= 0 && *line->after)
		err = suggested_section_set(s, "As in fstab.", "After=%s", line->after);
	if (err >= 0 && can_host(e->type) && fstab_has_option(e->options, "x-systemd.growfs"))
		err = suggested_section_set(s, "As in fstab.", "Grow=yes");
	if (err < 0)
		return err;
	return set_line_options(x, s, line);
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
	return err < 0 ? err : set_device_options(x, &x->s->sections[x->s->n_sections - 1]);
}
