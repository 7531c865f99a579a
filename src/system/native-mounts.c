/* SPDX-License-Identifier: MIT */
#include "system/native-mounts.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "system/unit-file.h"
#include "system/unit-specifiers.h"

#define PASSES_MAX 8u /* as in facts-read.c: links to links below mount points */
#define NO_BASE	   SIZE_MAX

struct reading {
	struct unit_dirs dirs;
	struct facts *facts;
	struct mount_points *mount_points;
	struct path_set seen; /* paths whose units have been looked for */
};

/* What is said of one mount point, by units and by fstab. */
struct native {
	const char *dir;
	char *name; /* "home.mount"; owned */
	struct unit_file unit;
	struct unit_names links;     /* that pull it in */
	struct unit_names automount; /* that pull its automount unit in */
	size_t base;		     /* index into facts.fstab: the entry for @dir, NO_BASE: none */
	bool counts;		     /* the unit file, and not what fstab says */
	bool mounted;		     /* at boot */
};

static void native_done(struct native *n)
{
	free(n->name);
	unit_file_done(&n->unit);
	unit_names_done(&n->links);
	unit_names_done(&n->automount);
}

static size_t find_base(const struct facts *f, const char *dir)
{
	for (size_t i = f->n_fstab; i-- > 0;)
		if (!fstab_is_swap(&f->fstab[i]) && strcmp(f->fstab[i].dir, dir) == 0)
			return i;
	return NO_BASE;
}

/* systemd looks into these before it looks into those of generators. */
static bool is_before_generators(const char *unit_dir)
{
	return path_is_below(unit_dir, "/etc");
}

/* All entries of fstab for it: the last one is not the one that systemd makes a unit of. */
static void override(struct facts *f, const char *dir)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].dir, dir) == 0)
			f->fstab[i].overridden = true;
}

/* Of what is said in the unit file itself, nothing counts where fstab has one of the same name. */
static bool is_in_force(const struct native *n, const struct unit_setting *s)
{
	return n->counts || !n->unit.has_fragment || s->pos.file != n->unit.files[0];
}

/* The last assignment, an empty one as well. */
static const struct unit_setting *find_mount_setting(const struct native *n, const char *key)
{
	for (size_t i = n->unit.n_settings; i-- > 0;) {
		const struct unit_setting *s = &n->unit.settings[i];

		if (strcmp(s->section, "Mount") == 0 && strcmp(s->key, key) == 0 &&
		    is_in_force(n, s))
			return s;
	}
	return NULL;
}

/* Does it change what is mounted? */
static bool is_about_mount(const struct unit_setting *s)
{
	static const char *const keys[] = { "What", "Where", "Type", "Options" };

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (strcmp(s->section, "Mount") == 0 && strcmp(s->key, keys[i]) == 0)
			return true;
	return false;
}

static int add_native_link(struct facts *f, const char *dir, char *name)
{
	_cleanup_free_ char *owned = name, *copy = strdup(dir);

	if (!copy || !name || array_reserve(f->native_links, f->n_native_links) < 0)
		return -ENOMEM;
	f->native_links[f->n_native_links++] =
		(struct native_link){ TAKE_PTR(copy), TAKE_PTR(owned) };
	return 0;
}

/* Drop-ins that would change a mount of ours on the same path. */
static int add_dropins(struct reading *g, const struct native *n)
{
	const struct unit_file *u = &n->unit;
	const char *last = u->has_fragment ? u->files[0] : NULL;
	int err = 0;

	for (size_t i = 0; i < u->n_settings && err >= 0; i++) {
		const char *file = u->settings[i].pos.file;
		char *link = NULL;

		if (file == last || !is_about_mount(&u->settings[i]))
			continue;
		last = file;
		err = text_format(&link, "%s.d/%s", n->name, strrchr(file, '/') + 1);
		if (err >= 0)
			err = add_native_link(g->facts, n->dir, link);
	}
	return err;
}

static int read_automount(struct reading *g, struct native *n)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	_cleanup_free_ char *name = NULL;
	int err = unit_name_from_path(n->dir, ".automount", &name);

	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err;
	err = unit_file_read(&g->dirs, name, &u);
	if (err < 0 || u.is_masked || !u.fragment_dir)
		return err;
	err = unit_dirs_links(&g->dirs, name, &n->automount);
	for (size_t i = 0; i < n->automount.n && err >= 0; i++)
		err = add_native_link(g->facts, n->dir, strdup(n->automount.list[i]));
	return err;
}

/* Why it cannot be a lower; the first reason counts. */
static int refuse(struct fstab_entry *e, struct pos pos, char *reason)
{
	_cleanup_free_ char *owned = reason;

	if (!reason)
		return -ENOMEM;
	if (e->refused)
		return 0;
	free(e->file);
	e->refused = TAKE_PTR(owned);
	e->file = strdup(pos.file);
	e->line = pos.line;
	return e->file ? 0 : -ENOMEM;
}

/* The value of a key, or what fstab says; *@ret is NULL when neither says anything. */
static int read_value(const struct native *n, const char *key, const char *of_base,
		      struct fstab_entry *e, char **ret)
{
	const struct unit_setting *s = find_mount_setting(n, key);
	char *reason = NULL;
	int err;

	if (!s) {
		*ret = of_base ? strdup(of_base) : NULL;
		return of_base && !*ret ? -ENOMEM : 0;
	}
	err = unit_specifiers_expand(s->value, n->name, n->dir, ret);
	if (err <= 0)
		return err;
	err = text_format(
		&reason,
		"%s= has the specifier %%%c; expected a value without it, or a line of fstab", key,
		err);
	if (err >= 0)
		err = refuse(e, s->pos, reason);
	if (err >= 0)
		*ret = strdup(s->value);
	return *ret ? err : -ENOMEM;
}

/* What only fstab means by an option, a unit says by its links. */
static bool is_of_fstab(const char *s, size_t n)
{
	static const char *const words[] = { "noauto", "auto", "x-systemd.automount",
					     "comment=systemd.automount" };

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strlen(words[i]) == n && strncmp(s, words[i], n) == 0)
			return true;
	return false;
}

static void add_option(struct strbuf *b, const char *s, size_t n)
{
	if (n == 0)
		return;
	if (b->len)
		strbuf_add_char(b, ',');
	strbuf_add_n(b, s, n);
}

/* As options of fstab, one for each unit or path. A comma would split them; no name of a unit has one. */
static int add_list(struct strbuf *b, const struct native *n, const char *key, const char *option)
{
	const struct unit_setting *s = NULL;

	while ((s = unit_file_next(&n->unit, "Unit", key, s))) {
		_cleanup_free_ char *words = strdup(s->value);
		char *state, *word;

		if (!words)
			return -ENOMEM;
		if (!is_in_force(n, s))
			continue;
		for (word = strtok_r(words, " \t\"", &state); word;
		     word = strtok_r(NULL, " \t\"", &state))
			if (!strchr(word, ','))
				strbuf_addf(b, "%s%s%s", b->len ? "," : "", option, word);
	}
	return 0;
}

static int add_dependencies(struct strbuf *b, const struct native *n)
{
	static const struct {
		const char *key, *option;
	} lists[] = {
		{ "Requires", "x-systemd.requires=" },
		{ "BindsTo", "x-systemd.requires=" },
		{ "Requisite", "x-systemd.requires=" },
		{ "Wants", "x-systemd.wants=" },
		{ "After", "x-systemd.after=" },
		{ "Before", "x-systemd.before=" },
		{ "RequiresMountsFor", "x-systemd.requires-mounts-for=" },
		{ "WantsMountsFor", "x-systemd.wants-mounts-for=" },
	};
	const struct unit_setting *timeout = find_mount_setting(n, "TimeoutSec");
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(lists) && err >= 0; i++)
		err = add_list(b, n, lists[i].key, lists[i].option);
	if (timeout && timeout->value[0] && !strchr(timeout->value, ','))
		strbuf_addf(b, "%sx-systemd.mount-timeout=%s", b->len ? "," : "", timeout->value);
	return err;
}

static int read_options(const struct native *n, const char *of_base, struct fstab_entry *e)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *given = NULL;
	int err = read_value(n, "Options", of_base, e, &given);

	if (err < 0)
		return err;
	for (const char *s = given ? given : "";; s++) {
		size_t len;

		s += strspn(s, " \t");
		len = strcspn(s, ",");
		if (!is_of_fstab(s, len))
			add_option(&b, s, len);
		s += len;
		if (!*s)
			break;
	}
	err = add_dependencies(&b, n);
	if (err < 0)
		return err;
	if (!b.len)
		strbuf_add(&b, "defaults");
	if (!n->mounted)
		strbuf_add(&b, ",noauto");
	return strbuf_take(&b, &e->options);
}

/* Where the entry is written: that which says what is mounted, or how. */
static struct pos entry_pos(const struct native *n)
{
	static const char *const keys[] = { "What", "Options", "Type" };

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		const struct unit_setting *s = find_mount_setting(n, keys[i]);

		if (s)
			return s->pos;
	}
	return (struct pos){ .file = n->unit.n_files ? n->unit.files[0] : n->unit.unread_file };
}

/* Whether they are met is known in each boot only. */
static const struct unit_setting *find_condition(const struct native *n)
{
	for (size_t i = 0; i < n->unit.n_settings; i++) {
		const struct unit_setting *s = &n->unit.settings[i];

		if (strcmp(s->section, "Unit") != 0 ||
		    (strncmp(s->key, "Condition", 9) != 0 && strncmp(s->key, "Assert", 6) != 0))
			continue;
		/* An empty value resets what is before it. */
		s = unit_file_next(&n->unit, s->section, s->key, NULL);
		if (s && is_in_force(n, s))
			return s;
	}
	return NULL;
}

/* A file system in RAM is empty, and nothing is lost whether it is mounted or not. */
static int refuse_condition(const struct native *n, struct fstab_entry *e)
{
	const struct unit_setting *s = find_condition(n);
	char *reason = NULL;
	int err;

	if (!s || fstab_is_in_ram(e))
		return 0;
	err = text_format(&reason, "%s= decides in each boot whether it does; expected none",
			  s->key);
	return err < 0 ? err : refuse(e, s->pos, reason);
}

static int refuse_unread(const struct native *n, struct fstab_entry *e)
{
	char *reason = NULL;
	int err = text_format(&reason, "it cannot be read: %s", rootfs_explain(n->unit.unread));

	return err < 0 ? err : refuse(e, (struct pos){ .file = n->unit.unread_file }, reason);
}

static int read_spec(struct reading *g, const struct native *n, const char *of_base,
		     struct fstab_entry *e)
{
	int err = read_value(n, "What", of_base, e, &e->spec);
	char *resolved;

	if (err < 0)
		return err;
	if (!e->spec || !e->spec[0]) {
		err = refuse(e, entry_pos(n),
			     strdup("it has no What=; expected a device or a directory"));
		free(e->spec);
		e->spec = strdup("");
		return e->spec ? err : -ENOMEM;
	}
	if (e->spec[0] != '/' || !fstab_is_bind(e))
		return 0;
	path_clean(e->spec);
	err = rootfs_resolve_up_to(g->dirs.root, e->spec, &g->mount_points->all, &resolved);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	free(e->spec);
	e->spec = resolved;
	return 0;
}

/* What systemd mounts, as a line of fstab would say it. @e: freed by the caller, also after a failure. */
static int read_entry(struct reading *g, const struct native *n, struct fstab_entry *e)
{
	const struct fstab_entry none = { 0 },
				 *base = n->base == NO_BASE ? &none : &g->facts->fstab[n->base];
	struct pos pos = entry_pos(n);
	int err = 0;

	if (n->counts)
		base = &none;
	e->passno = base->passno;
	e->line = pos.line;
	e->dir = strdup(n->dir);
	e->file = strdup(pos.file);
	if (!e->dir || !e->file)
		return -ENOMEM;
	if (n->unit.unread)
		err = refuse_unread(n, e);
	if (err >= 0)
		err = read_options(n, base->options, e);
	if (err >= 0)
		err = read_value(n, "Type", base->type ? base->type : "auto", e, &e->type);
	if (err >= 0)
		err = read_spec(g, n, base->spec, e);
	if (err >= 0)
		err = refuse_condition(n, e);
	return err;
}

static int add_entry(struct reading *g, const struct native *n)
{
	struct facts *f = g->facts;
	struct fstab_entry *e;
	int err;

	if (array_reserve(f->fstab, f->n_fstab) < 0)
		return -ENOMEM;
	override(f, n->dir);
	/* Counted at once, so that facts_done() frees it. */
	e = &f->fstab[f->n_fstab++];
	*e = (struct fstab_entry){ 0 };
	err = read_entry(g, n, e);
	return err < 0 || fstab_has_option(e->options, "noauto") ?
		       err :
		       mount_points_add(g->mount_points, e);
}

static bool is_mounted_by_fstab(const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "noauto") || fstab_is_automount(e);
}

/* systemd loads no unit whose Where= is another path. */
static bool is_elsewhere(const struct native *n)
{
	const struct unit_setting *s = find_mount_setting(n, "Where");
	_cleanup_free_ char *where = NULL;

	if (!s || !s->value[0] || unit_specifiers_expand(s->value, n->name, n->dir, &where) != 0)
		return false;
	path_clean(where);
	return strcmp(where, n->dir) != 0;
}

static bool changes_mount(const struct native *n)
{
	return find_mount_setting(n, "What") || find_mount_setting(n, "Type") ||
	       find_mount_setting(n, "Options");
}

/* Does fstab say it, and a unit may change it? Then what is pulled in counts as mounted. */
static void pull(const struct reading *g, const struct native *n)
{
	if (n->base != NO_BASE)
		g->facts->fstab[n->base].pulled = n->mounted;
}

static int read_links(struct reading *g, struct native *n)
{
	const struct fstab_entry *base = n->base == NO_BASE ? NULL : &g->facts->fstab[n->base];
	int err = read_automount(g, n);

	if (err >= 0 && (n->counts || (base && !is_mounted_by_fstab(base))))
		err = unit_dirs_links(&g->dirs, n->name, &n->links);
	n->mounted = n->links.n > 0 || n->automount.n > 0 || (base && is_mounted_by_fstab(base));
	return err;
}

/* Returns: 1 if it has changed what is mounted where, 0 if not, or -ENOMEM. */
static int judge(struct reading *g, struct native *n)
{
	int err;

	if (n->unit.is_masked) {
		if (is_before_generators(n->unit.fragment_dir))
			override(g->facts, n->dir);
		return 0;
	}
	n->counts = n->unit.fragment_dir &&
		    (n->base == NO_BASE || is_before_generators(n->unit.fragment_dir));
	err = read_links(g, n);
	if (err >= 0)
		err = add_dropins(g, n);
	if (err < 0)
		return err;
	if (n->counts && is_elsewhere(n)) {
		override(g->facts, n->dir);
		return 0;
	}
	pull(g, n);
	if (!n->counts && (n->base == NO_BASE || !changes_mount(n)))
		return 0;
	err = add_entry(g, n);
	return err < 0 ? err : n->mounted;
}

/* Returns: as judge(). */
static int read_mount(struct reading *g, const char *dir)
{
	_cleanup_(native_done) struct native n = { .dir = dir };
	int err;

	if (path_set_has(&g->seen, dir))
		return 0;
	err = path_set_add(&g->seen, dir);
	if (err >= 0)
		err = unit_name_from_path(dir, ".mount", &n.name);
	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err;
	err = unit_file_read(&g->dirs, n.name, &n.unit);
	if (err < 0)
		return err;
	n.base = find_base(g->facts, dir);
	return judge(g, &n);
}

/* The mount points at clean @path and above, from the top. Returns: as judge(). */
static int read_mounts(struct reading *g, const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	int found = 0;

	if (!dir)
		return -ENOMEM;
	if (!path[1] || path_is_api(path))
		return 0;
	for (size_t n = 1; found == 0; n++) {
		n += strcspn(path + n, "/");
		memcpy(dir, path, n);
		dir[n] = '\0';
		found = read_mount(g, dir);
		if (!path[n])
			break;
	}
	return found;
}

/* A mount point that is found is where links are no longer followed: then the path may be another one. */
static int read_path(struct reading *g, const char *path)
{
	int found = 1;

	for (unsigned i = 0; i < PASSES_MAX && found > 0; i++) {
		_cleanup_free_ char *resolved = NULL;
		int err =
			rootfs_resolve_up_to(g->dirs.root, path, &g->mount_points->all, &resolved);

		if (err < 0)
			return err == -ENOMEM ? err : 0;
		found = read_mounts(g, resolved);
	}
	return found < 0 ? found : 0;
}

int native_mounts_read(const struct rootfs *r, const struct conf *conf, struct facts *f,
		       struct mount_points *m)
{
	struct rootfs early = *r;
	struct reading g = { .facts = f, .mount_points = m };
	int err = 0;

	/* As at boot, when nothing of fstab is mounted. */
	early.late = &m->late;
	g.dirs = unit_dirs_open(&early, UNIT_ORIGIN_IMAGE);
	for (size_t i = 0; i < conf->n_overlays && err >= 0; i++)
		err = read_path(&g, conf->overlays[i]->section.name);
	for (size_t i = 0; i < conf->n_persists && err >= 0; i++)
		err = read_path(&g, conf->persists[i]->section.name);
	unit_dirs_done(&g.dirs);
	path_set_done(&g.seen);
	return err;
}
