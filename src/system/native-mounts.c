/* SPDX-License-Identifier: MIT */
#include "system/native-mounts.h"

#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "system/native-entry.h"
#include "system/unit-specifiers.h"

#define PASSES_MAX 8u /* as in fstab-read.c: links to links below mount points */
#define NO_BASE	   SIZE_MAX
#define TMP_UNIT   "tmp.mount"
#define ZRAM_UNIT  "systemd-zram-setup@.service"
#define MANY_PATHS 32u /* from here on it is cheaper to list the directories of units */

struct reading {
	struct unit_dirs dirs;
	struct facts *facts;
	struct mount_points *mount_points;
	struct path_set seen; /* paths whose units have been looked for */
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

/* In mount.d, not in home.mount.d. */
static bool is_for_all_mounts(const char *dropin)
{
	static const char dir[] = "/mount.d";
	const char *end = strrchr(dropin, '/');

	return (size_t)(end - dropin) > strlen(dir) &&
	       strncmp(end - strlen(dir), dir, strlen(dir)) == 0;
}

/* Those that would change every mount of ours, whatever its path. */
static int read_dropins_for_all(struct reading *g)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	struct unit_names *names = &g->facts->mount_dropins;
	int err = unit_file_read(&g->dirs, "rofs.mount", &u);

	for (size_t i = 0; i < u.n_settings && err >= 0; i++) {
		const char *file = u.settings[i].pos.file;

		if (is_for_all_mounts(file) && is_about_mount(&u.settings[i]))
			err = unit_names_add(names, strdup(strrchr(file, '/') + 1));
	}
	unit_names_sort(names);
	return err;
}

static int add_controlled(void *data, const char *name)
{
	return unit_names_add(data, strdup(name));
}

static int read_controlled(struct reading *g)
{
	struct unit_names *names = &g->facts->controlled;
	int err = each_name(rootfs_open_dir(g->dirs.root, "/etc/systemd/system.control"),
			    add_controlled, names);

	unit_names_sort(names);
	return err == -ENOMEM ? err : 0;
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

		if (file == last || is_for_all_mounts(file) || !is_about_mount(&u->settings[i]))
			continue;
		last = file;
		err = text_format(&link, "%s.d/%s", n->name, strrchr(file, '/') + 1);
		if (err >= 0)
			err = add_native_link(g->facts, n->dir, link);
	}
	return err;
}

/* Few paths have one, and the drop-ins of one that does not exist say nothing. */
static bool has_unit(const struct unit_dirs *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (unit_dirs_has(d, i, name))
			return true;
	return false;
}

static int read_automount(struct reading *g, struct native *n)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	_cleanup_free_ char *name = NULL;
	int err = unit_name_from_path(n->dir, ".automount", &name);

	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err;
	if (!has_unit(&g->dirs, name))
		return 0;
	err = unit_file_read(&g->dirs, name, &u);
	if (err < 0 || u.is_masked || !u.fragment_dir)
		return err;
	err = unit_dirs_links(&g->dirs, name, &n->automount);
	/* That link is where rofs writes, so it cannot be masked: the unit itself is. */
	if (err >= 0 && unit_names_has(&g->facts->wanted, name))
		err = unit_names_add(&n->automount, strdup(name));
	for (size_t i = 0; i < n->automount.n && err >= 0; i++)
		err = add_native_link(g->facts, n->dir, strdup(n->automount.list[i]));
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
	err = native_entry_read(n, g->dirs.root, g->mount_points,
				n->base == NO_BASE ? NULL : &f->fstab[n->base], e);
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
	const struct unit_setting *s = native_setting(n, "Where");
	_cleanup_free_ char *where = NULL;

	if (!s || !s->value[0] || unit_specifiers_expand(s->value, n->name, n->dir, &where) != 0)
		return false;
	path_clean(where);
	return strcmp(where, n->dir) != 0;
}

static bool changes_mount(const struct native *n)
{
	return native_setting(n, "What") || native_setting(n, "Type") ||
	       native_setting(n, "Options");
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
	n->mounted = n->links.n > 0 || n->automount.n > 0 ||
		     unit_names_has(&g->facts->wanted, n->name) ||
		     (base && is_mounted_by_fstab(base));
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
	if (n->counts && n->base == NO_BASE) {
		err = native_is_never_mounted(n, g->dirs.root, g->mount_points);
		if (err)
			return err < 0 ? err : 0;
	}
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
	/* What fstab says of it is overridden already. */
	if (facts_is_masked(g->facts, n.name))
		return 0;
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

/* Whatever wants a masked unit, systemd does not start it. */
static int read_tmp(const struct unit_dirs *d, struct facts *f)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	int err = has_unit(d, TMP_UNIT) ? unit_file_read(d, TMP_UNIT, &u) : 0;

	for (size_t i = 0; i < d->n && u.has_fragment && !u.is_masked && err >= 0; i++) {
		_cleanup_free_ char *wants = NULL;

		err = text_format(&wants, "%s/local-fs.target.wants", d->list[i].path);
		if (err >= 0 && rootfs_has_link(d->root, wants, TMP_UNIT))
			f->tmp_unit_wanted = true;
	}
	return err;
}

int native_mounts_read_all(const struct rootfs *r, struct facts *f, struct mount_points *m)
{
	_cleanup_unit_names_ struct unit_names units = { 0 };
	struct rootfs early = *r;
	struct reading g = { .facts = f, .mount_points = m };
	int err;

	early.late = &m->late;
	g.dirs = unit_dirs_open(&early, UNIT_ORIGIN_IMAGE);
	err = unit_dirs_list(&g.dirs, ".mount", &units);
	for (size_t i = 0; i < units.n && err >= 0; i++) {
		_cleanup_free_ char *path = NULL;

		err = unit_name_to_path(units.list[i], &path);
		if (err >= 0 && path && path[1] && !path_is_api(path))
			err = read_mount(&g, path);
	}
	unit_dirs_done(&g.dirs);
	path_set_done(&g.seen);
	return err < 0 ? err : 0;
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
	if (conf->n_overlays + conf->n_persists >= MANY_PATHS)
		err = unit_dirs_index(&g.dirs, "mount");
	for (size_t i = 0; i < conf->n_overlays && err >= 0; i++)
		err = read_path(&g, conf->overlays[i]->section.name);
	for (size_t i = 0; i < conf->n_persists && err >= 0; i++)
		err = read_path(&g, conf->persists[i]->section.name);
	if (err >= 0)
		err = read_tmp(&g.dirs, f);
	if (err >= 0)
		err = read_dropins_for_all(&g);
	if (err >= 0)
		err = read_controlled(&g);
	f->zram_unit_exists = has_unit(&g.dirs, ZRAM_UNIT);
	unit_dirs_done(&g.dirs);
	path_set_done(&g.seen);
	return err;
}
