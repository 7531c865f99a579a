/* SPDX-License-Identifier: MIT */
/* Links: those that enable our units, and masks of what other generators make. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"
#include "plan/fstab.h"

bool is_swap_of_fstab(const struct check *c, const char *name)
{
	_cleanup_free_ char *path = ends_with(name, ".swap") ? path_of_unit(name, ".swap") : NULL;

	for (size_t i = 0; i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];

		if (path && strcmp(e->type, "swap") == 0 &&
		    (is_device(path, e->spec) || same_path(path, e->spec)))
			return true;
	}
	return false;
}

static bool is_unit_of(const char *unit, const char *suffix, const char *path)
{
	_cleanup_free_ char *seen = ends_with(unit, suffix) ? path_of_unit(unit, suffix) : NULL;

	return seen && same_path(seen, path);
}

bool has_unit_on(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->set->first_link; i++)
		if (is_unit_of(c->set->files[i].name, ".mount", path))
			return true;
	return false;
}

/* quota, usrquota, uquota, usrjquota=, usrquota_block_hardlimit=, jqfmt=, uqnoenforce, ... */
static bool has_quota(const char *options)
{
	for (const char *s = options; *s;) {
		_cleanup_free_ char *word = copy_n(s, strcspn(s, ","));

		if ((strstr(word, "quota") && strcmp(word, "noquota") != 0) ||
		    strstr(word, "noenforce") || strstr(word, "jqfmt"))
			return true;
		s += strlen(word) + (s[strlen(word)] == ',');
	}
	return false;
}

/* A service that counts or switches on quota: of the root, or an instance for a mount. */
static bool is_quota_service(const char *by, const char *unit, const struct fstab_entry *e)
{
	if (strncmp(unit, "quotaon", 7) != 0 && strncmp(unit, "systemd-quotacheck", 18) != 0)
		return false;
	if (same_path(e->dir, "/"))
		return strcmp(by, "local-fs.target.wants") == 0 && ends_with(unit, "-root.service");
	return is_unit_of(by, ".mount.wants", e->dir) && strchr(unit, '@') &&
	       is_unit_of(strchr(unit, '@') + 1, ".service", e->dir);
}

/* The directory of the target for which systemd mounts it. */
static bool is_by_target(const char *by, const struct fstab_entry *e)
{
	_cleanup_free_ char *target = copy_n(by, strcspn(by, ".") + strlen(".target"));
	bool is_known = strcmp(target, "local-fs.target") == 0 ||
			(fstab_is_network(e) && strcmp(target, "remote-fs.target") == 0);

	return is_known && (ends_with(by, ".requires") || ends_with(by, ".wants"));
}

/* A link that systemd-fstab-generator would make for this line, and that rofs may do away with? */
static bool is_mask_of(const struct check *c, const struct fstab_entry *e, const char *name)
{
	_cleanup_free_ char *by = copy_n(name, strcspn(name, "/"));
	const char *unit = strchr(name, '/') + 1;

	if (strcmp(e->type, "swap") == 0)
		return strncmp(by, "swap.target.", 12) == 0 && is_swap_of_fstab(c, unit);
	if (is_quota_service(by, unit, e))
		return has_quota(e->options) && (has_unit_on(c, e->dir) || same_path(e->dir, "/") ||
						 same_path(e->dir, "/usr"));
	if (strncmp(unit, "systemd-growfs", 14) == 0)
		return is_unit_of(by, ".mount.wants", e->dir) &&
		       has_word(e->options, "x-systemd.growfs") &&
		       (has_unit_on(c, e->dir) || same_path(e->dir, "/") ||
			same_path(e->dir, "/usr"));
	if (!has_unit_on(c, e->dir))
		return false;
	if (!is_by_target(by, e))
		return false;
	return is_unit_of(unit, ".automount", e->dir) ||
	       (is_unit_of(unit, ".mount", e->dir) && ends_with(by, ".requires"));
}

static bool is_mask_of_generators(const struct check *c, const char *name)
{
	static const char *const found_by_type[] = { "/home", "/srv", "/var", "/var/tmp" };

	for (size_t i = 0; i < ELEMENTSOF(found_by_type); i++) {
		const struct fstab_entry e = { .spec = (char *)"",
					       .dir = (char *)found_by_type[i],
					       .type = (char *)"auto",
					       .options = (char *)"x-systemd.growfs" };

		if (is_mask_of(c, &e, name))
			return true;
	}
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (is_mask_of(c, &c->facts->fstab[i], name))
			return true;
	return false;
}

/* The directory of what a device starts that comes late, or again? Then it verifies too. */
static bool is_of_device(const struct unit_file *f)
{
	static const char wants[] = ".device.wants/";
	const char *name = strchr(f->name, '/') + 1;

	return strncmp(f->name, "dev-", 4) == 0 && (size_t)(name - f->name) > strlen(wants) &&
	       strncmp(name - strlen(wants), wants, strlen(wants)) == 0;
}

/* By which targets of systemd's are commits pulled in? */
static bool is_of_commit(const char *name)
{
	static const char timers[] = "timers.target.wants/rofs-commit-";

	return (strncmp(name, timers, strlen(timers)) == 0 && ends_with(name, ".timer")) ||
	       strcmp(name, "sysinit.target.wants/rofs-shutdown.service") == 0;
}

void check_enabling_link(const struct check *c, const struct unit_file *f)
{
	static const char wants[] = "local-fs.target.wants/",
			  requires[] = "local-fs.target.requires/";
	/* Units that are installed, not generated. */
	static const struct {
		const char *link, *target;
	} installed[] = {
		{ "local-fs.target.wants/systemd-remount-fs.service",
		  "/lib/systemd/system/systemd-remount-fs.service" },
		{ "local-fs.target.wants/rofs-verify.service",
		  "/lib/systemd/system/rofs-verify.service" },
		{ "local-fs.target.wants/rofs-watch.timer",
		  "/lib/systemd/system/rofs-watch.timer" },
	};
	const char *unit = strchr(f->name, '/');

	if (strcmp(f->text, "/dev/null") == 0) {
		check_that(is_mask_of_generators(c, f->name), "a mask of nothing", f->name);
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(installed); i++)
		if (strcmp(f->name, installed[i].link) == 0) {
			check_that(strcmp(f->text, installed[i].target) == 0, "another target",
				   f->text);
			return;
		}
	check_that(unit && (strncmp(f->name, wants, strlen(wants)) == 0 || is_of_commit(f->name) ||
			    strncmp(f->name, requires, strlen(requires)) == 0 || is_of_device(f) ||
			    is_named_link(c, f->name)),
		   "a link that enables nothing", f->name);
	unit++;
	if (is_of_device(f) && strcmp(unit, "rofs-verify.service") == 0) {
		check_that(strcmp(f->text, "/lib/systemd/system/rofs-verify.service") == 0,
			   "another target", f->text);
		return;
	}
	check_that(strncmp(f->text, "../", 3) == 0 && strcmp(f->text + 3, unit) == 0,
		   "another target", f->text);
	check_that(find(c, unit) != NULL, "a link to a unit that is not there", unit);
}

bool is_enabled(const struct check *c, const char *path)
{
	for (size_t i = c->set->first_link; i < c->set->n_files; i++) {
		const char *name = strchr(c->set->files[i].name, '/') + 1;
		_cleanup_free_ char *linked = NULL;

		if (!ends_with(name, ".mount") || strcmp(c->set->files[i].text, "/dev/null") == 0)
			continue;
		linked = path_of_unit(name, ".mount");
		if (strcmp(linked, path) == 0)
			return true;
	}
	return false;
}
