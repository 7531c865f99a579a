/* SPDX-License-Identifier: MIT */
/* What must be kept on a partition, and how. */
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/suggest/deciding.h"

/* Below it on the partition nothing else can be, whatever the partition held before. */
#define ON_PARTITION "/rofs"

static bool must_be_kept(enum path_use use)
{
	switch (use) {
	case USE_CONTAINERS:
	case USE_MACHINES:
	case USE_EXPORT:
	case USE_DATA:
	case USE_HOME:
	case USE_IDENTITY:
	case USE_STATE:
		return true;
	case USE_WRITE:
	case USE_TEMPORARY:
	case USE_CACHE:
	case USE_LOG:
	case USE_JOURNAL:
	case _PATH_USE_MAX:
		break;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct machine_path *const *x = a, *const *y = b;

	return path_compare((*x)->path, (*y)->path);
}

/*
 * The line of fstab that becomes a partition or an overlay below @path; NULL: there is none.
 * Nothing may be below a persist.
 */
static const struct fstab_entry *line_below(const struct deciding *x, const char *path)
{
	for (size_t i = 0; i < x->fstab.n; i++) {
		const struct fstab_entry *e = x->fstab.entries[i];
		const struct data_line *line = deciding_line_of(x, e->dir);

		if (path_is_below(e->dir, path) &&
		    ((line && line->entry == e) || deciding_is_lower(x, e)))
			return e;
	}
	return NULL;
}

/* Can the mount point be made, or is it there? */
static bool has_place(const struct deciding *x, const struct machine_path *p)
{
	if (p->found == FOUND_EMPTY || p->found == FOUND_CONTENT)
		return true;
	if (p->found == FOUND_OTHER)
		return false;
	for (size_t i = 0; i < x->m->directories.n; i++)
		if (path_is_below(p->path, x->m->directories.list[i]))
			return true;
	return false;
}

/*
 * Can it be exported as it is? Nothing in /usr is on an overlay, and what fstab mounts things in is the
 * root of NFSv4.
 */
static bool is_exported_as_it_is(const struct deciding *x, const char *path)
{
	bool overlaid = false;

	for (size_t i = 0; i < x->fstab.n; i++)
		if (path_is_below(x->fstab.entries[i]->dir, path))
			return true;
	for (size_t i = 0; i < x->m->directories.n; i++)
		overlaid = overlaid || path_is_at_or_below(path, x->m->directories.list[i]);
	return !overlaid;
}

static int tell_below(struct deciding *x, const struct machine_path *p,
		      const struct fstab_entry *below)
{
	if (deciding_is_lower(x, below))
		return suggested_text_add(
			&x->s->notes,
			"Left out: [Persist %s] for %s, because line %u of /etc/fstab becomes [Overlay %s], and "
			"nothing may be declared below a persist. To keep it, remove that line.",
			p->path, p->who, below->line, below->dir);
	return suggested_text_add(
		&x->s->notes,
		"Left out: [Persist %s] for %s, because fstab mounts a partition on %s, and nothing "
		"may be mounted below a persist. To keep the rest of it, move it to that partition.",
		p->path, p->who, below->dir);
}

static int wants_section(struct deciding *x, const struct machine_path *p, bool *ret)
{
	const struct fstab_entry *below;

	*ret = false;
	if (!must_be_kept(p->use) || !has_place(x, p) || deciding_fstab_keeps(x, p->path))
		return 0;
	below = line_below(x, p->path);
	if (!below && p->use == USE_EXPORT && is_exported_as_it_is(x, p->path))
		return 0;
	if (below)
		return tell_below(x, p, below);
	return deciding_can_be_named(x, CONF_PERSIST, p->path, ret);
}

int decide_kept(struct deciding *x)
{
	const struct machine *m = x->m;
	size_t n = 0;

	x->kept = calloc(m->n_paths + 1, sizeof(const struct machine_path *));
	if (!x->kept)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_paths; i++) {
		bool wanted;
		int err = wants_section(x, &m->paths[i], &wanted);

		if (err < 0)
			return err;
		if (wanted)
			x->kept[n++] = &m->paths[i];
	}
	qsort(x->kept, n, sizeof(const struct machine_path *), compare);

	/* What is below another one is kept with it. */
	for (size_t i = 0; i < n; i++)
		if (x->n_kept == 0 ||
		    !path_is_at_or_below(x->kept[i]->path, x->kept[x->n_kept - 1]->path))
			x->kept[x->n_kept++] = x->kept[i];
	return 0;
}

static int why(const struct machine_path *p, char **ret)
{
	switch (p->use) {
	case USE_CONTAINERS:
		return text_format(ret,
				   "Images and containers of %s, which do not work on an overlay",
				   p->who);
	case USE_MACHINES:
		return text_format(ret, "The disks and root file systems of %s", p->who);
	case USE_EXPORT:
		return text_format(ret,
				   "Exported by %s: the kernel does not export overlays over NFS",
				   p->who);
	case USE_DATA:
		return text_format(ret, "The data of %s", p->who);
	case USE_HOME:
		return text_format(ret, "The files of %s", p->who);
	case USE_IDENTITY:
		return text_format(ret, "The state of %s, part of the identity of the machine",
				   p->who);
	case USE_STATE:
	case USE_WRITE:
	case USE_TEMPORARY:
	case USE_CACHE:
	case USE_LOG:
	case USE_JOURNAL:
	case _PATH_USE_MAX:
		break;
	}
	return text_format(ret, "The state of %s", p->who);
}

/* ", 12 MiB now", of what is there. */
static const char *amount(const struct machine_path *p, char *buffer, size_t size)
{
	char bytes[TEXT_BYTES_MAX];

	buffer[0] = '\0';
	if (p->bytes > 0)
		snprintf(buffer, size, ", %s%s now", p->incomplete ? "at least " : "",
			 text_bytes(bytes, p->bytes));
	return buffer;
}

/* Container storage has attributes and sockets that a copy does not have. */
static bool is_populated(const struct machine_path *p)
{
	return p->found == FOUND_CONTENT && p->use != USE_CONTAINERS;
}

/* What rootless ones have is copied with the home directory, attributes included. */
const struct machine_path *deciding_broken_copy(const struct deciding *x,
						const struct machine_path *kept)
{
	for (size_t i = 0; i < x->m->n_paths && is_populated(kept); i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (p->use == USE_CONTAINERS && p->found == FOUND_CONTENT &&
		    path_is_below(p->path, kept->path) &&
		    strncmp(p->who, "rootless ", strlen("rootless ")) != 0)
			return p;
	}
	return NULL;
}

uint64_t deciding_populated_bytes(const struct deciding *x)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < x->n_kept; i++)
		bytes += is_populated(x->kept[i]) ? x->kept[i]->bytes : 0;
	return bytes;
}

static int set_directory(struct deciding *x, const struct machine_path *p,
			 struct suggested_section *s)
{
	int err = suggested_section_set(s, NULL, "Partition=%s", x->host_name);

	if (err >= 0)
		err = suggested_section_set(s, NULL, "Directory=%s%s", ON_PARTITION, p->path);
	if (err >= 0 && is_populated(p))
		err = suggested_section_set(s, "Copied to the partition at the first boot.",
					    "Populate=yes");
	/* Without it, nothing but itself depends on it: better a new one than services that fail. */
	if (err >= 0 && p->use == USE_IDENTITY && deciding_overlay_of(x, p->path))
		err = suggested_section_set(
			s, "Without the partition, services get a temporary one in RAM.",
			"IfMissing=volatile");
	return err;
}

static int explain(struct deciding *x, const struct machine_path *p, struct suggested_section *s)
{
	const char *overlay = deciding_overlay_of(x, p->path);
	int err = 0;

	if (p->found == FOUND_CONTENT && !is_populated(p))
		err = suggestion_explain(
			s,
			"It starts empty, since Populate=yes cannot copy it: pull the images again, or "
			"stop the service and copy /rofs/ro%s once.",
			p->path);
	if (err >= 0 && s->commented && overlay && strcmp(overlay, p->path) == 0)
		err = suggestion_explain(s, "To use it, remove [Overlay %s], whose place it takes.",
					 p->path);
	return err;
}

static int add_kept(struct deciding *x, const struct machine_path *p)
{
	_cleanup_free_ char *reason = NULL;
	struct suggested_section *s;
	char size[TEXT_BYTES_MAX + 32];
	int err = why(p, &reason);

	if (err >= 0)
		err = suggestion_add(x->s, CONF_PERSIST, p->path, &s, "%s%s.", reason,
				     amount(p, size, sizeof(size)));
	if (err < 0)
		return err;
	s->commented = !deciding_has_host(x);
	err = explain(x, p, s);
	return err < 0 ? err : set_directory(x, p, s);
}

/* All of the partition, as fstab has it, so that nothing on it has to be moved. */
static int add_line(struct deciding *x, const struct data_line *line)
{
	const char *dir = line->entry->dir;
	struct suggested_section *s;
	int err;

	err = suggestion_add(x->s, CONF_PERSIST, dir, &s,
			     "All of the partition, as line %u of /etc/fstab has it.",
			     line->entry->line);
	return err < 0 ? err : suggested_section_set(s, NULL, "Partition=%s", line->name);
}

int decide_persist_sections(struct deciding *x)
{
	size_t k = 0;
	int err = 0;

	for (size_t i = 0; i < x->n_lines && err >= 0; i++) {
		const struct data_line *line = &x->lines[i];

		for (; k < x->n_kept && path_compare(x->kept[k]->path, line->entry->dir) < 0 &&
		       err >= 0;
		     k++)
			err = add_kept(x, x->kept[k]);
		if (err >= 0 && line != x->host_line)
			err = add_line(x, line);
	}
	for (; k < x->n_kept && err >= 0; k++)
		err = add_kept(x, x->kept[k]);
	return err;
}
