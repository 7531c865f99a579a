/* SPDX-License-Identifier: MIT */
/* Data of known software on an overlay: large, lost at power-off, or not working there. */
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/check/check.h"
#include "rofs/check/measure.h"
#include "system/software-read.h"

#define LARGE_BYTES (UINT64_C(16) << 20)

/* struct found - some software's data, and the overlay that takes the changes to it */
struct found {
	const struct software_place *place;
	const struct plan_overlay *overlay;
	const char *dir; /* that is to be persisted */
	struct amount amount;
	/* For a message; owned. */
	char *what;	/* "/var/lib/docker (12 MiB)" */
	char *emptying; /* "add /var/cache/man to StartEmpty=" */
};

static bool has_data(const struct found *f)
{
	return f->amount.entries > 0 || f->amount.incomplete;
}

/* struct loss - what happens on an overlay to data that must not be lost */
struct loss {
	enum problem_kind kind;
	const char *has, *what, *consequence, *purpose;
};

static const struct loss losses[_SOFTWARE_KIND_MAX] = {
	[SOFTWARE_CONTAINERS] = { PROBLEM_CONTAINER_STORAGE, "has", "its storage",
				  ", on an overlay, where it cannot use overlayfs: it falls back "
				  "to full copies, or fails",
				  "" },
	[SOFTWARE_MACHINES] = { PROBLEM_CONTAINER_STORAGE, "has",
				"its containers or virtual machines",
				": the files they write to are copied to RAM, and the changes are "
				"lost at power-off",
				"to keep them, " },
	[SOFTWARE_APPLICATIONS] = { PROBLEM_APPLICATIONS_IN_RAM, "keeps", "applications",
				    ": what it installs or updates takes RAM, and is lost at "
				    "power-off",
				    "to keep it, " },
	[SOFTWARE_DATABASE] = { PROBLEM_DATABASE_IN_RAM, "keeps", "its data",
				": the files it writes to are copied to RAM, and the changes are "
				"lost at power-off",
				"to keep them, " },
};

/* Must it not be lost, however small it is? */
static bool always_matters(enum software_kind kind)
{
	return losses[kind].what != NULL;
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

static void report_loss(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	const struct loss *l = &losses[f->place->software->kind];

	check_add(c, l->kind, s, s->pos, "[Overlay %s]: %s %s %s in %s%s; %s%s [Persist %s]",
		  s->name, f->place->software->name, has_data(f) ? l->has : "is installed and puts",
		  l->what, f->what, l->consequence, l->purpose,
		  check_add_persist(f->overlay, f->dir), f->dir);
}

/* "add /var/cache/man to StartEmpty=", which is for directories below the overlay. */
static int format_emptying(const struct found *f, char **ret)
{
	const char *path = f->place->path;

	if (path_is_below(path, f->overlay->path))
		return text_format(ret, "add %s to StartEmpty=", path);
	return text_format(ret, "empty %s on the root file system", path);
}

static void report_journal(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	const char *path = f->place->path;
	char size[TEXT_BYTES_MAX];

	check_add(
		c, PROBLEM_JOURNAL_IN_RAM, s, s->pos,
		"[Overlay %s]: %s of journals in %s are copied to RAM when %s opens them; %s, set "
		"Storage=volatile in journald.conf, or %s [Persist %s]",
		s->name, text_bytes(size, f->amount.bytes), path, f->place->software->name,
		f->emptying, check_add_persist(f->overlay, path), path);
}

static void report_log(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	const char *path = f->place->path;
	char size[TEXT_BYTES_MAX];

	check_add(c, PROBLEM_LOG_IN_RAM, s, s->pos,
		  "[Overlay %s]: %s of logs in %s are copied to RAM when %s append to them; rotate "
		  "them first, or %s [Persist %s]",
		  s->name, text_bytes(size, f->amount.bytes), path, f->place->software->name,
		  check_add_persist(f->overlay, path), path);
}

static void report_cache(struct checking *c, const struct found *f)
{
	const struct conf_section *s = &f->overlay->conf->section;
	char size[TEXT_BYTES_MAX];

	check_add(c, PROBLEM_CACHE_IN_RAM, s, s->pos,
		  "[Overlay %s]: %s in %s are copied to RAM when %s writes to them; to avoid this, "
		  "%s",
		  s->name, text_bytes(size, f->amount.bytes), f->place->path,
		  f->place->software->name, f->emptying);
}

/* NULL: whether to keep it is the administrator's choice. */
static void (*const reports[_SOFTWARE_KIND_MAX])(struct checking *, const struct found *) = {
	[SOFTWARE_CONTAINERS] = report_loss,   [SOFTWARE_MACHINES] = report_loss,
	[SOFTWARE_APPLICATIONS] = report_loss, [SOFTWARE_DATABASE] = report_loss,
	[SOFTWARE_JOURNAL] = report_journal,   [SOFTWARE_LOG] = report_log,
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
			err = format_emptying(f, &f->emptying);
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
			err = measure(&f.amount, fd);
		if (err >= 0)
			err = report_in_overlay(c, &f);
	}
	free(f.what);
	free(f.emptying);
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
