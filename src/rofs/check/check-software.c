/* SPDX-License-Identifier: MIT */
/* Data of known software on an overlay: large, lost at power-off, or not working there. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/check/check.h"
#include "system/software-read.h"

#define DEPTH_MAX   16u
#define ENTRIES_MAX 200000u /* enough to know that it is much */
#define LARGE_BYTES (UINT64_C(16) << 20)

/* struct amount - how much data there is */
struct amount {
	const char *suffix; /* of the files that count */
	uint64_t bytes;
	size_t entries;
	bool incomplete; /* this user may not read all of it */
};

struct visit {
	struct amount *amount;
	int fd; /* of the directory */
	unsigned depth;
};

static void measure(struct amount *x, int fd, unsigned depth);

static int measure_entry(void *data, const char *name)
{
	const struct visit *v = data;
	struct amount *x = v->amount;
	struct stat st;

	if (x->entries >= ENTRIES_MAX)
		return -E2BIG;
	x->entries++;
	if (fstatat(v->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISREG(st.st_mode) && software_file_counts(x->suffix, name))
		x->bytes += (uint64_t)st.st_size;
	else if (S_ISDIR(st.st_mode) && v->depth < DEPTH_MAX)
		measure(x, open_dir_at(v->fd, name), v->depth + 1);
	return 0;
}

/* Takes @fd over, which may be a negative errno. What cannot be read is left out. */
static void measure(struct amount *x, int fd, unsigned depth)
{
	struct visit v = { x, fd, depth };

	x->incomplete = x->incomplete || fd < 0;
	each_name(fd, measure_entry, &v);
}

/* struct found - some software's data, and the overlay that takes the changes to it */
struct found {
	const struct software_place *place;
	const struct plan_overlay *overlay;
	const char *dir; /* that is to be persisted */
	struct amount amount;
	char *what; /* "/var/lib/docker (12 MiB)", for a message; owned */
};

static bool has_data(const struct found *f)
{
	return f->amount.entries > 0 || f->amount.incomplete;
}

/* Must it not be lost, however small it is? */
static bool always_matters(enum software_kind kind)
{
	return kind == SOFTWARE_CONTAINERS || kind == SOFTWARE_MACHINES ||
	       kind == SOFTWARE_APPLICATIONS || kind == SOFTWARE_DATABASE;
}

static bool matters(const struct found *f)
{
	if (always_matters(f->place->software->kind))
		return has_data(f) || f->place->installed;
	return f->amount.bytes >= LARGE_BYTES;
}

/* "/srv/docker (12 MiB, as /etc/docker/daemon.json:2 says)" */
static int describe(struct found *f)
{
	const struct software_place *p = f->place;
	const struct amount *x = &f->amount;
	bool measured = x->incomplete ? x->bytes > 0 : x->entries > 0;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char size[TEXT_BYTES_MAX];

	strbuf_add(&b, p->path);
	if (measured)
		strbuf_addf(&b, " (%s%s", x->incomplete ? "at least " : "",
			    text_bytes(size, x->bytes));
	if (p->file)
		strbuf_addf(&b, "%sas %s says", measured ? ", " : " (", p->file);
	if (measured || p->file)
		strbuf_add_char(&b, ')');
	return strbuf_take(&b, &f->what);
}

static void report_containers(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;

	check_add(c, PROBLEM_CONTAINER_STORAGE, s, s->pos,
		  "[Overlay %s]: %s %s its storage in %s, on an overlay, where it cannot use "
		  "overlayfs: it falls back to full copies, or fails; add [Persist %s]",
		  s->name, f->place->software->name, has_data(f) ? "has" : "is installed and puts",
		  f->what, f->dir);
}

static void report_machines(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;

	check_add(
		c, PROBLEM_CONTAINER_STORAGE, s, s->pos,
		"[Overlay %s]: %s %s its containers or virtual machines in %s: the files they "
		"write to are copied to RAM, and the changes are lost at power-off; to keep them, "
		"add [Persist %s]",
		s->name, f->place->software->name, has_data(f) ? "has" : "is installed and puts",
		f->what, f->dir);
}

static void report_applications(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;

	check_add(
		c, PROBLEM_APPLICATIONS_IN_RAM, s, s->pos,
		"[Overlay %s]: %s %s applications in %s: what it installs or updates takes RAM, and "
		"is lost at power-off; to keep it, add [Persist %s]",
		s->name, f->place->software->name, has_data(f) ? "keeps" : "is installed and puts",
		f->what, f->dir);
}

static void report_database(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;

	check_add(
		c, PROBLEM_DATABASE_IN_RAM, s, s->pos,
		"[Overlay %s]: %s %s its data in %s: the files it writes to are copied to RAM, and "
		"the changes are lost at power-off; to keep them, add [Persist %s]",
		s->name, f->place->software->name, has_data(f) ? "keeps" : "is installed and puts",
		f->what, f->dir);
}

static void report_journal(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	const char *path = f->place->path;
	char size[TEXT_BYTES_MAX];

	check_add(
		c, PROBLEM_JOURNAL_IN_RAM, s, s->pos,
		"[Overlay %s]: %s of journals in %s are copied to RAM when %s opens them; add %s to "
		"StartEmpty=, set Storage=volatile in journald.conf, or add [Persist %s]",
		s->name, text_bytes(size, f->amount.bytes), path, f->place->software->name, path,
		path);
}

static void report_log(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	char size[TEXT_BYTES_MAX];

	check_add(c, PROBLEM_LOG_IN_RAM, s, s->pos,
		  "[Overlay %s]: %s of logs in %s are copied to RAM when %s append to them; rotate "
		  "them first, or add [Persist %s]",
		  s->name, text_bytes(size, f->amount.bytes), f->place->path,
		  f->place->software->name, f->place->path);
}

static void report_cache(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	char size[TEXT_BYTES_MAX];

	check_add(c, PROBLEM_CACHE_IN_RAM, s, s->pos,
		  "[Overlay %s]: %s in %s are copied to RAM when %s writes to them; to avoid this, "
		  "add %s to StartEmpty=",
		  s->name, text_bytes(size, f->amount.bytes), f->place->path,
		  f->place->software->name, f->place->path);
}

/* NULL: whether to keep it is the administrator's choice. */
static void (*const reports[_SOFTWARE_KIND_MAX])(struct checking *, const struct found *) = {
	[SOFTWARE_CONTAINERS] = report_containers,
	[SOFTWARE_MACHINES] = report_machines,
	[SOFTWARE_APPLICATIONS] = report_applications,
	[SOFTWARE_DATABASE] = report_database,
	[SOFTWARE_JOURNAL] = report_journal,
	[SOFTWARE_LOG] = report_log,
	[SOFTWARE_CACHE] = report_cache,
};

/* It fails at once, or when it is started. */
static int report_read_only(struct checking *c, struct found *f)
{
	const struct pos nowhere = { 0 };
	int err = describe(f);

	if (err < 0)
		return err;
	check_add(c, PROBLEM_DATA_READ_ONLY, NULL, nowhere,
		  "%s is installed and keeps its data in %s, which is read-only: it cannot write "
		  "there; to keep its data, add [Persist %s]",
		  f->place->software->name, f->what, f->dir);
	return 0;
}

static int report_in_overlay(struct checking *c, struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	int err = 0;

	if (matters(f)) {
		err = describe(f);
		if (err >= 0)
			reports[f->place->software->kind](c, f);
	} else if (f->amount.incomplete && f->amount.bytes == 0) {
		check_add(c, PROBLEM_DATA_UNREADABLE, s, s->pos,
			  "[Overlay %s]: only root can read %s and say how much of it would be "
			  "copied to RAM; run rofs check as root",
			  s->name, f->place->path);
	}
	return err;
}

/* Containers cannot use an overlay; all others not lose their data, or have it copied to RAM. */
static bool concerns(const struct place *p, enum software_kind kind)
{
	if (p->kind != PLACE_OVERLAY)
		return false;
	return kind == SOFTWARE_CONTAINERS || (!p->overlay->on_partition && !p->starts_empty);
}

static int check_software_place(struct checking *c, const struct software_place *p)
{
	struct place place = check_place_of(c, p->path);
	struct found f = { .place = p,
			   .overlay = place.overlay,
			   .dir = place.bind ? place.bind->spec : p->dir,
			   .amount.suffix = p->data->suffix };
	enum software_kind kind = p->software->kind;
	int fd, err = 0;

	/* Whoever keeps a part of it elsewhere knows what is left. */
	if (!reports[kind] || (always_matters(kind) && check_is_divided(c, p->path)))
		return 0;
	if (place.kind == PLACE_READ_ONLY && p->installed && always_matters(kind)) {
		err = report_read_only(c, &f);
	} else if (concerns(&place, kind)) {
		fd = rootfs_open_dir(&c->l->root, p->path);
		if (fd != -ENOENT && fd != -ENOTDIR)
			measure(&f.amount, fd, 0);
		err = report_in_overlay(c, &f);
	}
	free(f.what);
	return err;
}

int check_software(struct checking *c)
{
	_cleanup_software_places_ struct software_places places = { 0 };
	int err = software_read(&c->l->root, &places);

	for (size_t i = 0; i < places.n && err >= 0; i++)
		err = check_software_place(c, &places.items[i]);
	return err;
}
