/* SPDX-License-Identifier: MIT */
/* Which directories are writable in RAM, and how much of it they may use. */
#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/mount-flags.h"
#include "rofs/suggest/deciding.h"

#define MIB	      ((uint64_t)1 << 20)
#define LARGE_BYTES   (16 * MIB) /* as rofs check sees it */
#define SPARE_BYTES   (64 * MIB) /* for what is new in an ordinary uptime */
#define SHARE_LEAST   25u	 /* percent of RAM; the shared pool's default is 50 */
#define SHARE_MOST    75u	 /* rofs check warns above 80 */
#define SHARE_UNKNOWN 50u

const char *deciding_overlay_of(const struct deciding *x, const char *path)
{
	const char *found = NULL;

	for (size_t i = 0; i < x->n_overlays; i++)
		if (path_is_at_or_below(path, x->overlays[i]) &&
		    (!found || path_is_below(x->overlays[i], found)))
			found = x->overlays[i];
	return found;
}

/* The nearest directory above that may be an overlay; NULL: there is none. */
static const char *directory_of(const struct machine *m, const char *path)
{
	const char *found = NULL;

	for (size_t i = 0; i < m->directories.n; i++) {
		const char *dir = m->directories.list[i];

		if (path_is_at_or_below(path, dir) && (!found || strlen(dir) > strlen(found)))
			found = dir;
	}
	return found;
}

static int compare(const void *a, const void *b)
{
	return path_compare(*(const char *const *)a, *(const char *const *)b);
}

static int add(struct deciding *x, const char *dir)
{
	bool named;
	int err;

	for (size_t i = 0; i < x->n_overlays; i++)
		if (strcmp(x->overlays[i], dir) == 0)
			return 0;
	if (deciding_is_kept(x, dir) && !machine_refusal(x->m, CONF_OVERLAY, dir))
		return 0;
	err = deciding_can_be_named(x, CONF_OVERLAY, dir, &named);
	if (err < 0 || !named)
		return err;
	if (array_reserve(x->overlays, x->n_overlays) < 0)
		return -ENOMEM;
	x->overlays[x->n_overlays++] = dir;
	return 0;
}

/* Programs write there on every machine: settings, state, and what people leave. */
static int add_usual(struct deciding *x)
{
	static const char *const usual[] = { "/etc", "/var", "/home", "/root" };

	for (size_t i = 0; i < ELEMENTSOF(usual); i++) {
		const char *dir = directory_of(x->m, usual[i]);
		int err = dir && strcmp(dir, usual[i]) == 0 ? add(x, dir) : 0;

		if (err < 0)
			return err;
	}
	return 0;
}

/* Does the path need an overlay above it: to be written to, or to be made as a mount point? */
static bool needs_overlay(const struct deciding *x, const struct machine_path *p)
{
	if (deciding_fstab_keeps(x, p->path))
		return false;
	if (deciding_is_kept(x, p->path))
		return p->found == FOUND_NOTHING;
	return p->use != USE_EXPORT;
}

/* Subvolumes of the file system of /: what one of them writes wears the same flash. */
static int add_on_root(struct deciding *x)
{
	for (size_t i = 0; i < x->fstab.n; i++) {
		const struct fstab_entry *e = x->fstab.entries[i];
		int err = 0;

		if (x->on_root[e - x->m->facts->fstab] && directory_of(x->m, e->dir))
			err = add(x, e->dir);
		if (err < 0)
			return err;
	}
	return 0;
}

int decide_overlays(struct deciding *x)
{
	int err = add_usual(x);

	if (err >= 0)
		err = add_on_root(x);

	for (size_t i = 0; i < x->m->n_paths && err >= 0; i++) {
		const struct machine_path *p = &x->m->paths[i];
		const char *dir = directory_of(x->m, p->path);

		if (dir && !deciding_overlay_of(x, p->path) && needs_overlay(x, p))
			err = add(x, dir);
	}
	if (x->n_overlays > 0)
		qsort(x->overlays, x->n_overlays, sizeof(*x->overlays), compare);
	return err;
}

/* Will programs copy what is there to RAM? Of what users and containers have, most is only read. */
static bool is_copied(const struct deciding *x, const struct machine_path *p)
{
	return p->bytes > 0 && p->use != USE_HOME && p->use > USE_MACHINES &&
	       deciding_overlay_of(x, p->path) && !deciding_is_kept(x, p->path);
}

static bool can_be_a_word(const char *path)
{
	return !strpbrk(path, " \t,:\\\"'%") && !text_has_control(path) &&
	       text_is_utf8(path, strlen(path)) && strlen(path) <= NAME_BYTES_MAX;
}

/* What nobody misses when it is empty at boot. */
static bool starts_empty(const struct deciding *x, const struct machine_path *p)
{
	if (!is_copied(x, p) || !can_be_a_word(p->path))
		return false;
	return p->use == USE_JOURNAL || p->use == USE_TEMPORARY ||
	       (p->use == USE_CACHE && p->bytes >= LARGE_BYTES);
}

/* Is it counted already, with a path above it? */
static bool is_counted(const struct deciding *x, const struct machine_path *p)
{
	for (size_t i = 0; i < x->m->n_paths; i++) {
		const struct machine_path *above = &x->m->paths[i];

		if (is_copied(x, above) && above->use == p->use && !above->suffix &&
		    path_is_below(p->path, above->path))
			return true;
	}
	return false;
}

static void measure(struct deciding *x)
{
	for (size_t i = 0; i < x->m->n_paths; i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (is_copied(x, p) && !starts_empty(x, p) && !is_counted(x, p))
			x->copied_bytes += p->bytes;
	}
}

static unsigned share(const struct deciding *x)
{
	uint64_t wanted = 2 * x->copied_bytes + SPARE_BYTES;
	unsigned percent = SHARE_LEAST;

	if (x->m->memory_bytes == 0)
		return SHARE_UNKNOWN;
	while (percent < SHARE_MOST && x->m->memory_bytes / 100 * percent < wanted)
		percent += 25;
	return percent;
}

static const char *warning_of_pool(const struct deciding *x)
{
	if (x->m->memory_bytes == 0 || share(x) < SHARE_MOST)
		return NULL;
	if (x->copied_bytes > x->m->memory_bytes / 100 * SHARE_MOST)
		return "They do not fit: programs that write to the largest of them will fail. Keep these on a "
		       "partition, or make them smaller.";
	return "That leaves little. Keep more on a partition.";
}

static int decide_memory(struct deciding *x)
{
	struct suggested_section *s;
	char text[TEXT_BYTES_MAX];
	int err;

	measure(x);
	if (x->m->memory_bytes == 0)
		err = suggestion_add(
			x->s, CONF_MEMORY, NULL, &s,
			"The most RAM that changes may use. The size of the RAM is not known here: "
			"this is the default.");
	else
		err = suggestion_add(
			x->s, CONF_MEMORY, NULL, &s,
			"The most RAM that changes may use, of %s. Only what is written takes up "
			"RAM.",
			text_bytes(text, x->m->memory_bytes));
	if (err >= 0 && x->copied_bytes > 0)
		err = suggestion_explain(
			s,
			"When programs write to files that exist now, up to %s of them are copied there.",
			text_bytes(text, x->copied_bytes));
	if (err >= 0 && warning_of_pool(x))
		err = suggestion_explain(s, "%s", warning_of_pool(x));
	return err < 0 ? err : suggested_section_set(s, NULL, "Size=%u%%", share(x));
}

static bool has_swap(const struct deciding *x)
{
	for (size_t i = 0; i < x->m->facts->n_fstab; i++)
		if (fstab_is_swap(&x->m->facts->fstab[i]))
			return true;
	return false;
}

int decide_root(struct deciding *x)
{
	struct suggested_section *s;
	int err = suggestion_add(x->s, CONF_ROOT, NULL, &s,
				 "The root file system is never written to.");

	if (err >= 0)
		err = suggested_section_set(s, NULL, "ReadOnly=yes");
	if (err >= 0 && has_swap(x))
		err = suggested_section_set(
			s,
			"The swap of /etc/fstab is not activated, as it would wear out the flash.",
			"Swap=no");
	return err < 0 ? err : decide_memory(x);
}

static int add_why(struct strbuf *b, const struct deciding *x, const char *dir)
{
	static const struct {
		const char *dir, *why;
	} usual[] = {
		{ "/etc",
		  "Settings that programs write: network, users, printers. The machine ID and the "
		  "host keys of SSH are those of the root file system." },
		{ "/var", "State, logs, caches and spools." },
		{ "/home", "Files of users." },
		{ "/root", "Files of root, such as the history of the shell." },
	};

	for (size_t i = 0; i < ELEMENTSOF(usual); i++)
		if (strcmp(dir, usual[i].dir) == 0)
			strbuf_add(b, usual[i].why);
	for (size_t i = 0; i < x->m->n_paths && b->len == 0; i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (!path_is_at_or_below(p->path, dir) || !needs_overlay(x, p))
			continue;
		if (deciding_is_kept(x, p->path))
			strbuf_addf(
				b, "For the mount point of [Persist %s], which does not exist yet.",
				p->path);
		else
			strbuf_addf(b, "%s is written to by %s.", p->path, p->who);
	}
	if (fstab_at_or_above(&x->fstab, dir))
		strbuf_add(b, b->len ? " What fstab mounts there is only read." :
				       "What fstab mounts there is only read.");
	return b->failed ? -ENOMEM : 0;
}

/* What would be lost, or copied, and deserves a line of its own. */
static int explain_lost(struct deciding *x, const char *dir, struct suggested_section *s)
{
	char size[TEXT_BYTES_MAX];
	int err = 0;

	for (size_t i = 0; i < x->m->n_paths && err >= 0; i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (deciding_overlay_of(x, p->path) != dir || deciding_is_kept(x, p->path))
			continue;
		if (p->use == USE_LOG && p->bytes >= LARGE_BYTES)
			err = suggestion_explain(
				s,
				"%s of logs in %s are copied to RAM when programs append to them.",
				text_bytes(size, p->bytes), p->path);
		else if (p->use <= USE_HOME && p->use != USE_EXPORT)
			err = suggestion_explain(s, "%s of %s: changes are lost at power-off.",
						 p->path, p->who);
	}
	return err;
}

static int set_start_empty(struct deciding *x, const char *dir, struct suggested_section *s)
{
	_cleanup_strbuf_ struct strbuf paths = { 0 }, reasons = { 0 };
	char size[TEXT_BYTES_MAX];

	for (size_t i = 0; i < x->m->n_paths; i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (deciding_overlay_of(x, p->path) != dir || !starts_empty(x, p))
			continue;
		strbuf_addf(&paths, "%s%s", paths.len ? " " : "", p->path);
		strbuf_addf(&reasons, "%s%s of %s in %s", reasons.len ? ", " : "",
			    text_bytes(size, p->bytes), p->who, p->path);
	}
	if (paths.failed || reasons.failed)
		return -ENOMEM;
	if (paths.len == 0)
		return 0;
	strbuf_add(&reasons, ": empty at each boot, so that they are not copied to RAM.");
	if (reasons.failed)
		return -ENOMEM;
	return suggested_section_set(s, reasons.text, "StartEmpty=%s", paths.text);
}

/* Of what it is only the lower of, ro is not meant for the overlay. */
static int set_writable(struct deciding *x, const char *dir, struct suggested_section *s)
{
	const struct fstab_entry *e = fstab_at_or_above(&x->fstab, dir);

	if (!e || !(fstab_mount_flags(&x->fstab, e) & MOUNT_READ_ONLY))
		return 0;
	return suggested_section_set(s, "Writable, though fstab mounts it read-only.",
				     "Options=rw");
}

static int add_section(struct deciding *x, const char *dir)
{
	_cleanup_strbuf_ struct strbuf reason = { 0 };
	struct suggested_section *s;
	int err = add_why(&reason, x, dir);

	if (err >= 0)
		err = suggestion_add(x->s, CONF_OVERLAY, dir, &s, "%s",
				     reason.len ? reason.text : "Programs write to it.");
	if (err >= 0)
		err = explain_lost(x, dir, s);
	if (err >= 0)
		err = set_writable(x, dir, s);
	return err < 0 ? err : set_start_empty(x, dir, s);
}

int decide_overlay_sections(struct deciding *x)
{
	int err = 0;

	for (size_t i = 0; i < x->n_overlays && err >= 0; i++)
		err = add_section(x, x->overlays[i]);
	return err;
}
