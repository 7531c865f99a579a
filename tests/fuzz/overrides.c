/* SPDX-License-Identifier: MIT */
/* Drop-ins for units of others, and rofs.fstab, which they read instead of fstab. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "plan/fstab.h"

bool is_span(const char *value)
{
	return strcmp(value, "infinity") == 0 ||
	       (strspn(value, "0123456789") > 0 &&
		strcmp(value + strspn(value, "0123456789"), "us") == 0);
}

/* dev-sda1.device.d/50-rofs-NAME.conf */
void check_timeout(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "After", 1, SIZE_MAX },
					     { "Unit", "JobRunningTimeoutSec", 1, 1 } };
	_cleanup_free_ char *unit = copy_n(u->name, strcspn(u->name, "/")), *path = NULL,
			    *clean = NULL;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_that(is_span(value_of(u, "JobRunningTimeoutSec")), "no time span", u->name);
	path = path_of_unit(unit, ".device.d");
	clean = simplify(path);
	check_that(strcmp(clean, path) == 0, "a device that no unit has", path);
	for (size_t i = 0; i < c->n_mounts; i++)
		if ((c->mounts[i].kind == MOUNT_PARTITION || c->mounts[i].kind == MOUNT_LOWER) &&
		    is_device(path, c->mounts[i].what))
			return;
	check_that(false, "a device that nobody declared", path);
}

static bool has_key(const struct unit *u, const char *key)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->settings[i].key, key) == 0)
			return true;
	return false;
}

/* Looked at for a torn superblock is a partition, the one that is checked, if it may be of ext. */
static void check_superblock(const struct unit *u, const struct mount *m)
{
	static const char helper[] = "-" CHECK_LIBEXEC_DIR "/rofs-superblock ";
	_cleanup_free_ char *device = NULL;
	const char *type = type_of(m), *command;

	if (m->kind != MOUNT_PARTITION ||
	    (strcmp(type, "auto") != 0 && strncmp(type, "ext", 3) != 0))
		return check_that(!has_key(u, "ExecStartPre"),
				  "what has no superblock of ours is asked for it", u->name);
	command = value_of(u, "ExecStartPre");
	check_that(strncmp(command, helper, strlen(helper)) == 0, "another command", command);
	device = command_word(command + strlen(helper));
	check_that(is_device(device, m->what), "another device", device);
}

/* systemd-fsck@dev-sda1.service.d/50-rofs-NAME.conf */
void check_fsck(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Service", "InaccessiblePaths", 1, 1 },
		{ "Service", "ExecStartPre", 0, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Unit", "Requires", 0, SIZE_MAX },
		{ "Unit", "Wants", 0, SIZE_MAX },
		{ "Unit", "After", 0, SIZE_MAX },
		SANDBOX_RULES(2),
	};
	_cleanup_free_ char *instance = copy_n(u->name, strcspn(u->name, "/")), *path = NULL;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	path = path_of_unit(instance + strlen("systemd-fsck@"), ".service.d");
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind ==
			    (strstr(u->name, "/50-rofs-lower-") ? MOUNT_LOWER : MOUNT_PARTITION) &&
		    is_device(path, c->mounts[i].what))
			return check_superblock(u, &c->mounts[i]);
	check_that(false, "a check that nobody declared", path);
}

void check_firstboot(const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "ConditionPathIsReadWrite", 1, 1 } };

	check_counts(u, rules, ELEMENTSOF(rules));
	check_that(strcmp(u->settings[0].value, "/rofs/ro/etc") == 0, "another condition",
		   u->settings[0].value);
}

void check_swap(const struct check *c, const struct unit *u)
{
	static const char *const values[] = { "no", "swap.target", "/sys/block/%j/comp_algorithm" };
	bool flash = c->conf->root.swap && !c->conf->root.section.invalid;
	const struct rule rules[] = { { "Unit", "DefaultDependencies", 1, 1 },
				      { "Unit", "Before", 1, 1 },
				      { "Unit", "ConditionPathExists", !flash, !flash } };

	check_counts(u, rules, ELEMENTSOF(rules));
	for (size_t i = 0; i < ELEMENTSOF(values) - flash; i++)
		check_that(strcmp(value_of(u, rules[i].key), values[i]) == 0, "another setting",
			   value_of(u, rules[i].key));
}

void check_zram(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "IgnoreOnIsolate", 1, 1 },
					     { "Service", "Slice", 1, 1 } };

	check_counts(u, rules, ELEMENTSOF(rules));
	check_that(c->facts->zram_unit_exists, "a drop-in for no unit", u->name);
	check_that(strcmp(value_of(u, "Slice"), "system.slice") == 0, "another slice", u->name);
}

void check_remount(const struct unit *u)
{
	static const struct rule rules[] = { { "Service", "Environment", 3, 3 } };
	static const char *const values[] = {
		"SYSTEMD_FSTAB=" UNIT_EARLY_DIR "/" UNIT_FSTAB,
		"LIBMOUNT_FSTAB=" UNIT_EARLY_DIR "/" UNIT_FSTAB,
		"SYSTEMD_REMOUNT_ROOT_RW=0",
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	for (size_t i = 0; i < ELEMENTSOF(values); i++)
		check_that(strcmp(u->settings[i].value, values[i]) == 0, "another variable",
			   u->settings[i].value);
}

/* A field as libmount reads it: \ooo is a byte. */
static bool is_field(const char *field, const char *meant)
{
	size_t i = 0;

	if (!*meant)
		meant = "none";
	for (; *field; field++, i++) {
		char byte = *field;

		if (byte == '\\') {
			byte = (char)strtoul((char[]){ field[1], field[2], field[3], 0 }, NULL, 8);
			field += 3;
		}
		if (byte != meant[i])
			return false;
	}
	return meant[i] == '\0';
}

/* Splits as libmount does. Exactly six fields, or it is no line that was meant. */
static void split_fields(char *line, char *fields[static 6])
{
	char *state, *word;
	size_t n = 0;

	for (word = strtok_r(line, " \t", &state); word; word = strtok_r(NULL, " \t", &state)) {
		check_that(n < 6, "more than six fields", word);
		fields[n++] = word;
	}
	check_that(n == 6, "less than six fields", n ? fields[0] : "");
}

static void check_fstab_line(char *line, const struct fstab_entry *e)
{
	bool read_only = strcmp(e->dir, "/") == 0 || strcmp(e->dir, "/usr") == 0;
	char *fields[6] = { 0 }, number[32];

	split_fields(line, fields);
	check_that(is_field(fields[0], e->spec), "another device", fields[0]);
	check_that(is_field(fields[1], e->dir), "another mount point", fields[1]);
	check_that(is_field(fields[2], e->type), "another type", fields[2]);
	if (read_only)
		check_that(has_word(fields[3], "ro") && !has_word(fields[3], "rw") &&
				   !has_word(fields[3], "defaults"),
			   "not read-only", fields[3]);
	else
		check_that(is_field(fields[3], e->options), "other options", fields[3]);
	snprintf(number, sizeof(number), "%d", e->freq);
	check_that(strcmp(fields[4], number) == 0, "another freq", fields[4]);
	snprintf(number, sizeof(number), "%d", e->passno);
	check_that(strcmp(fields[5], number) == 0, "another passno", fields[5]);
}

/* The lines of fstab in their order, and one for the root if it has none. */
void check_fstab(const struct check *c, const struct unit_file *f)
{
	static const struct fstab_entry root = {
		.spec = "/dev/root", .dir = "/", .type = "auto", .options = ""
	};
	_cleanup_free_ char *copy = join(f->text, "");
	char *rest = copy, *line;
	bool root_seen = false;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		const struct fstab_entry *e;

		if (!*line || *line == '#')
			continue;
		e = n < c->facts->n_fstab ? &c->facts->fstab[n] : &root;
		check_that(n < c->facts->n_fstab || !root_seen, "a line too many", line);
		check_fstab_line(line, e);
		root_seen = root_seen || strcmp(e->dir, "/") == 0;
		n++;
	}
	check_that(n >= c->facts->n_fstab && root_seen, "a line too few", f->name);
}
