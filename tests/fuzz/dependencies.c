/* SPDX-License-Identifier: MIT */
/*
 * The [Unit] section: settings in their number, and dependencies on units and paths that are meant.
 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

/* A setting that is in no rule, or too often, was not meant. */
void check_counts(const struct unit *u, const struct rule *rules, size_t n_rules)
{
	size_t known = 0;

	for (size_t i = 0; i < n_rules; i++) {
		size_t n = 0;

		for (size_t k = 0; k < u->n; k++)
			n += strcmp(u->settings[k].section, rules[i].section) == 0 &&
			     strcmp(u->settings[k].key, rules[i].key) == 0;
		check_that(n >= rules[i].min && n <= rules[i].max, rules[i].key, u->name);
		known += n;
	}
	check_that(known == u->n, "a setting that was not meant", u->name);
}

const struct unit_file *find(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->set->n_files; i++)
		if (strcmp(c->set->files[i].name, name) == 0)
			return &c->set->files[i];
	return NULL;
}

static bool is_known_unit(const char *name)
{
	static const char *const names[] = {
		"local-fs.target",
		"local-fs-pre.target",
		"umount.target",
		"sysinit.target",
		"shutdown.target",
		"systemd-remount-fs.service",
		"systemd-growfs-root.service",
		"systemd-repart.service",
		"rofs-verify.service",
		"systemd-udev-trigger.service",
		"systemd-resolved.service",
		"systemd-networkd.service",
		"systemd-timesyncd.service",
		"systemd-firstboot.service",
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* systemd-fsck@DEVICE.service of what this unit mounts. */
static bool is_fsck_of(const char *name, const struct unit *u)
{
	static const char template[] = "systemd-fsck@";
	_cleanup_free_ char *device = NULL, *what = NULL, *clean = NULL;

	if (strncmp(name, template, strlen(template)) != 0)
		return false;
	device = path_of_unit(name + strlen(template), ".service");
	what = unpercent(value_of(u, "What"));
	/* systemd has one name for a device: that of its clean path. */
	clean = simplify(what);
	return strcmp(device, clean) == 0;
}

/* The device of a partition that may be formatted, or its fsck. */
static bool is_of_blank_partition(const struct check *c, const char *unit)
{
	bool fsck = strncmp(unit, "systemd-fsck@", 13) == 0;
	_cleanup_free_ char *path = NULL;

	if (!fsck && !ends_with(unit, ".device"))
		return false;
	path = fsck ? path_of_unit(unit + 13, ".service") : path_of_unit(unit, ".device");
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_PARTITION && c->mounts[i].partition->format &&
		    is_device(path, c->mounts[i].what))
			return true;
	return false;
}

/* What makes the device of / read-only comes after what fstab mounts. */
static bool is_before_device(const struct check *c, const char *name, const struct unit *u)
{
	_cleanup_free_ char *path = NULL;

	if (strcmp(u->name, "rofs-device.service") != 0 || !ends_with(name, ".mount"))
		return false;
	path = path_of_unit(name, ".mount");
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (same_path(path, c->facts->fstab[i].dir))
			return true;
	return false;
}

/* Does it wait for what makes a device, or as fstab says? */
static bool may_wait(const struct unit *u)
{
	return ends_with(u->name, ".mount") || strchr(u->name, '/') ||
	       strncmp(u->name, "rofs-format-", 12) == 0 || strncmp(u->name, "rofs-grow-", 10) == 0;
}

static void check_units_named(const struct check *c, const struct unit *u, const char *value)
{
	_cleanup_free_ char *copy = join(value, "");
	char *state, *word;

	for (word = strtok_r(copy, " \t", &state); word; word = strtok_r(NULL, " \t", &state))
		check_that(is_known_unit(word) || find(c, word) || is_of_blank_partition(c, word) ||
				   is_before_device(c, word, u) ||
				   (may_wait(u) && is_named_unit(c, word)) || is_fsck_of(word, u),
			   "a unit that was not meant", word);
}

bool is_pool_or_layer(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct mount *m = &c->mounts[i];
		const char *lower = m->kind == MOUNT_MERGED ? m->where + strlen("/rofs/overlay") :
							      NULL;

		if (m->layers && strcmp(m->layers, path) == 0)
			return true;
		if (lower && strncmp(path, "/rofs/ro", 8) == 0 && strcmp(path + 8, lower) == 0)
			return true;
		if (strncmp(m->where, "/rofs", 5) == 0 && strcmp(m->where, path) == 0)
			return true;
	}
	return false;
}

/* The directory that the mount point of a persist is in. */
static bool is_above_persist(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const char *where = c->mounts[i].where;

		if (c->mounts[i].kind == MOUNT_PERSIST &&
		    strlen(path) == (size_t)(strrchr(where, '/') - where) &&
		    strncmp(path, where, strlen(path)) == 0)
			return true;
	}
	return false;
}

static bool is_overlay(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_BIND && strcmp(c->mounts[i].where, path) == 0)
			return true;
	return false;
}

/* One word in quotes, a backslash before what is meant as it stands. */
static void check_mounts_for(const struct check *c, const struct unit *u, const char *value)
{
	_cleanup_free_ char *word = join(value, ""), *path = NULL;
	char *to = word;
	size_t i;

	check_that(value[0] == '"', "RequiresMountsFor= without quotes", value);
	for (i = 1; value[i] && value[i] != '"'; i++) {
		i += value[i] == '\\';
		*to++ = value[i];
	}
	*to = '\0';
	check_that(value[i] == '"' && !value[i + 1], "RequiresMountsFor= of several paths", value);
	path = unpercent(word);
	check_that(is_pool_or_layer(c, path) || is_above_persist(c, path) ||
			   (strncmp(u->name, "rofs-ro-", 8) == 0 && is_named_path(c, path)) ||
			   (strncmp(u->name, "rofs-commit-", 12) == 0 && is_overlay(c, path)) ||
			   (strncmp(u->name, "rofs-finish-", 12) == 0 && is_pending(c, path)),
		   "RequiresMountsFor= of a path nobody declared", path);
}

/* What rofs-prepare makes last of the layers of an overlay. */
static bool is_work_directory(const struct check *c, const char *value)
{
	_cleanup_free_ char *path = unpercent(value);

	if (!ends_with(path, "/work"))
		return false;
	path[strlen(path) - strlen("/work")] = '\0';
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].layers && strcmp(c->mounts[i].layers, path) == 0)
			return true;
	return false;
}

/* Of a pool or a partition. */
static void check_mount_point(const struct check *c, const char *value)
{
	_cleanup_free_ char *path = unpercent(value);

	for (size_t i = 0; i < c->n_mounts; i++)
		if (same_path(c->mounts[i].where, path) &&
		    (c->mounts[i].kind == MOUNT_SHARED_POOL ||
		     c->mounts[i].kind == MOUNT_OWN_POOL || c->mounts[i].kind == MOUNT_PARTITION))
			return;
	check_that(false, "an assertion about a mount that is no pool", path);
}

static void check_source(const struct check *c, const char *value)
{
	_cleanup_free_ char *path = unpercent(value);

	for (size_t i = 0; i < c->conf->n_files; i++)
		if (same_path(path, c->conf->files[i]))
			return;
	check_that(false, "SourcePath= of no file of the configuration", path);
}

void check_unit_section(const struct check *c, const struct unit *u)
{
	static const char *const dependencies[] = { "Requires", "Wants", "After", "Before",
						    "Conflicts" };

	for (size_t i = 0; i < u->n; i++) {
		const struct setting *s = &u->settings[i];

		free(unpercent(s->value)); /* for its check */
		for (size_t k = 0; k < ELEMENTSOF(dependencies); k++)
			if (strcmp(s->key, dependencies[k]) == 0)
				check_units_named(c, u, s->value);
		if (strcmp(s->key, "RequiresMountsFor") == 0)
			check_mounts_for(c, u, s->value);
		if (strcmp(s->key, "SourcePath") == 0)
			check_source(c, s->value);
		if (strcmp(s->key, "ConditionPathExists") == 0 &&
		    strcmp(u->name, "rofs-finish.service") != 0)
			check_that(strncmp(s->value, "|!", 2) == 0 &&
					   is_work_directory(c, s->value + 2),
				   "a condition on another path", s->value);
		if (strcmp(s->key, "AssertPathIsMountPoint") == 0)
			check_mount_point(c, s->value);
		if (strcmp(s->key, "AssertPathExists") == 0 && !is_work_directory(c, s->value))
			check_that(strncmp(s->value, PLAN_PREPARED_DIR "/",
					   strlen(PLAN_PREPARED_DIR "/")) == 0 &&
					   strcmp(s->value + strlen(PLAN_PREPARED_DIR "/"),
						  u->name) == 0,
				   "an assertion about another unit", s->value);
	}
}
