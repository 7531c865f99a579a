/* SPDX-License-Identifier: MIT */
/* What was declared: every mount that the configuration and fstab can mean. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"

static struct mount *add_mount(struct check *c, enum mount_kind kind, char *where, char *what)
{
	check_that(array_reserve(c->mounts, c->n_mounts) == 0, "out of memory", "");
	c->mounts[c->n_mounts] = (struct mount){ .kind = kind, .where = where, .what = what };
	return &c->mounts[c->n_mounts++];
}

static char *on_partition(const char *partition, const char *directory)
{
	_cleanup_free_ char *where = join("/rofs/persist/", partition);

	return join(where, strcmp(directory, "/") == 0 ? "" : directory);
}

static char *layers_of(const struct conf_overlay *o, const char *path)
{
	_cleanup_free_ char *directory = join("/overlay", path);

	if (!o->partition)
		return join("/rofs/rw", path);
	return on_partition(o->partition, o->directory ? o->directory : directory);
}

static bool is_mount(const struct fstab_entry *e)
{
	return fstab_is_sound(e) && !fstab_is_swap(e) && e->dir[0] == '/' && !path_is_api(e->dir) &&
	       !path_has_dotdot(e->dir);
}

static bool is_at_boot(const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "noauto") || fstab_is_automount(e) || !e->dir[1];
}

/* Of several lines for a path, systemd makes a unit of the first. */
static bool is_first(const struct check *c, const struct fstab_entry *e)
{
	for (const struct fstab_entry *before = c->facts->fstab; before < e; before++)
		if (is_mount(before) && strcmp(before->dir, e->dir) == 0)
			return false;
	return true;
}

/* The line of fstab whose file system @path is on; NULL: the root, which fstab does not name. */
static const struct fstab_entry *entry_of(const struct check *c, const char *path)
{
	const struct fstab_entry *found = NULL;

	for (size_t i = 0; i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];
		bool above = strcmp(e->dir, "/") == 0 || path_is_at_or_below(path, e->dir);

		if (above && is_mount(e) && is_at_boot(e) && is_first(c, e) &&
		    (!found || strlen(e->dir) > strlen(found->dir)))
			found = e;
	}
	return found;
}

static const struct conf_partition *partition_of(const struct check *c,
						 const struct conf_overlay *o)
{
	const struct conf_section *s =
		o->partition ? conf_find(c->conf, CONF_PARTITION, o->partition) : NULL;

	return s ? c->conf->partitions[s->index] : NULL;
}

static bool is_declared(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->conf->n_overlays; i++)
		if (!c->conf->overlays[i]->section.invalid &&
		    strcmp(c->facts->overlays[i].resolved, path) == 0)
			return true;
	for (size_t i = 0; i < c->conf->n_persists; i++)
		if (!c->conf->persists[i]->section.invalid &&
		    strcmp(c->facts->persists[i].resolved, path) == 0)
			return true;
	return false;
}

static void allow_overlay(struct check *c, const struct conf_overlay *o, const char *path)
{
	struct mount *m;

	if (o->size.bytes || o->size.percent)
		add_mount(c, MOUNT_OWN_POOL, join("/rofs/rw", path), join("rofs", ""));
	m = add_mount(c, MOUNT_MERGED, join("/rofs/overlay", path), join("rofs", ""));
	m->overlay = o;
	m->layers = layers_of(o, path);
	m->entry = entry_of(c, path);
	/* A section that is left out leaves its path to fstab. */
	m->lower_is_live = m->entry && m->entry->dir[1] &&
			   !(is_declared(c, m->entry->dir) && has_unit_on(c, m->entry->dir));
	m->partition = partition_of(c, o);
	m = add_mount(c, MOUNT_BIND, join(path, ""), join("/rofs/overlay", path));
	m->overlay = o;
	if (!o->partition)
		return;
	m = add_mount(c, MOUNT_BIND, join(path, ""), join("/rofs/fallback", path));
	m->overlay = o;
}

static void allow_persist(struct check *c, const struct conf_persist *p, const char *path)
{
	const struct conf_section *s = conf_find(c->conf, CONF_PARTITION, p->partition);
	const struct fstab_entry *e = entry_of(c, path);
	struct mount *m = add_mount(c, MOUNT_PERSIST, join(path, ""),
				    on_partition(p->partition, p->directory ? p->directory : "/"));

	m->entry = e && same_path(e->dir, path) ? e : NULL;
	m->partition = s ? c->conf->partitions[s->index] : NULL;
}

static void allow_fstab(struct check *c, const struct fstab_entry *e)
{
	add_mount(c, MOUNT_LOWER_BIND, join("/rofs/ro", e->dir), join(e->dir, ""))->entry = e;
	add_mount(c, MOUNT_LOWER, join("/rofs/ro", e->dir), join(e->spec, ""))->entry = e;
}

/* How a device path is spelled is checked where a partition is mounted from it. */
static bool is_same_device(const char *a, const char *b)
{
	_cleanup_free_ char *x = NULL, *y = NULL;

	return unit_name_device_path(a, &x) >= 0 && unit_name_device_path(b, &y) >= 0 &&
	       same_path(x, y);
}

/* What fstab mounts from a partition that is declared. */
static void allow_fstab_duplicates(struct check *c, const struct conf_partition *p)
{
	for (size_t i = 0; i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];
		struct mount *m;

		if (e->dir[0] != '/' || !is_same_device(e->spec, p->device))
			continue;
		m = add_mount(c, MOUNT_FSTAB_DUPLICATE, join(e->dir, ""),
			      join("/rofs/persist/", p->section.name));
		m->entry = e;
		m->partition = p;
	}
}

/* Everything that the configuration can mean. Sections with a mistake mean nothing. */
void check_init(struct check *c)
{
	const struct conf *conf = c->conf;

	add_mount(c, MOUNT_SHARED_POOL, join("/rofs", ""), join("rofs", ""));
	add_mount(c, MOUNT_RO, join("/rofs/ro", ""), join("/", ""));
	add_mount(c, MOUNT_TMP, join("/tmp", ""), join("tmpfs", ""));
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (c->facts->fstab[i].dir[0] == '/' && c->facts->fstab[i].dir[1])
			allow_fstab(c, &c->facts->fstab[i]);
	for (size_t i = 0; i < conf->n_overlays; i++)
		if (!conf->overlays[i]->section.invalid)
			allow_overlay(c, conf->overlays[i], c->facts->overlays[i].resolved);
	for (size_t i = 0; i < conf->n_partitions; i++) {
		if (conf->partitions[i]->section.invalid)
			continue;
		add_mount(c, MOUNT_PARTITION,
			  join("/rofs/persist/", conf->partitions[i]->section.name),
			  join(conf->partitions[i]->device, ""))
			->partition = conf->partitions[i];
		allow_fstab_duplicates(c, conf->partitions[i]);
	}
	for (size_t i = 0; i < conf->n_persists; i++)
		if (!conf->persists[i]->section.invalid)
			allow_persist(c, conf->persists[i], c->facts->persists[i].resolved);
}

void check_done(struct check *c)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		free(c->mounts[i].where);
		free(c->mounts[i].what);
		free(c->mounts[i].layers);
	}
	free(c->mounts);
}
