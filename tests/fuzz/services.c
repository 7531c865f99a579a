/* SPDX-License-Identifier: MIT */
/* Services: each runs one command, about something that was declared. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"

/* What may be bound to the path of an overlay whose partition is missing. */
static bool is_fallback(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_BIND && strcmp(c->mounts[i].what, path) == 0)
			return strncmp(path, "/rofs/fallback/", 15) == 0;
	return false;
}

static const struct conf_partition *find_partition(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_PARTITION &&
		    strcmp(c->mounts[i].partition->section.name, name) == 0)
			return c->mounts[i].partition;
	return NULL;
}

/* One command with a partition's name as the last part of its argument. */
void check_partition_service(const struct check *c, const struct unit *u, const char *command)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 1, SIZE_MAX },
		{ "Unit", "Requires", 1, SIZE_MAX },
		{ "Unit", "Wants", 0, SIZE_MAX },
		{ "Unit", "Before", 0, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 0, 1 },
		{ "Unit", "RefuseManualStop", 0, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(2),
	};
	const struct conf_partition *p;
	const char *start;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	start = value_of(u, "ExecStart");
	check_that(strncmp(start, command, strlen(command)) == 0, "another command", start);
	p = find_partition(c, start + strlen(command));
	check_that(p != NULL, "a partition that nobody declared", start);
	check_that(strstr(command, "format") ? p->format : p->grow, "nobody asked for it", start);
}

void check_device_service(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },	{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 1, SIZE_MAX },	{ "Unit", "Before", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },	{ "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },	{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 }, SANDBOX_RULES(2),
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_that(c->conf->root.device_read_only && c->conf->root.read_only, "nobody asked for it",
		   u->name);
	check_that(strcmp(value_of(u, "Before"), "local-fs.target") == 0, "another target",
		   value_of(u, "Before"));
	check_that(strcmp(value_of(u, "ExecStart"), CHECK_LIBEXEC_DIR "/rofs-device") == 0,
		   "another command", value_of(u, "ExecStart"));
}

/* Where a run of rofs-prepare works: from "overlay /var" to /rofs/rw/var. */
static char *directory_of_run(const char *command)
{
	static const struct {
		const char *verb, *directory;
	} runs[] = {
		{ "overlay ", "/rofs/rw" },
		{ "partition ", "/rofs/persist/" },
		{ "fallback ", "/rofs/fallback" },
	};

	if (strcmp(command, "ram") == 0)
		return join("/rofs", "");
	for (size_t i = 0; i < ELEMENTSOF(runs); i++)
		if (strncmp(command, runs[i].verb, strlen(runs[i].verb)) == 0) {
			command += strlen(runs[i].verb);
			check_that(!strchr(command, ' '), "more than one word", command);
			return join(runs[i].directory, command);
		}
	check_that(false, "another verb", command);
	return NULL;
}

void check_prepare(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 0, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 0, SIZE_MAX },
		{ "Unit", "RequiresMountsFor", 0, SIZE_MAX },
		{ "Unit", "Wants", 0, SIZE_MAX },
		{ "Unit", "ConditionPathExists", 0, SIZE_MAX },
		{ "Service", "LogLevelMax", 0, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Unit", "RefuseManualStop", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(4),
	};
	static const char helper[] = CHECK_PREPARE_PATH " ";
	_cleanup_free_ char *directory = NULL, *plain = NULL;
	const char *command;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	command = value_of(u, "ExecStart");
	check_that(strncmp(command, helper, strlen(helper)) == 0, "another command", command);
	command += strlen(helper);
	check_that(strpbrk(command, "\t\\\"'%") == NULL, "a special character", command);
	plain = undouble(command, '$');
	directory = directory_of_run(plain);
	check_that(is_pool_or_layer(c, directory) || is_fallback(c, directory),
		   "a pool that nobody declared", directory);
}

static bool is_persist(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_PERSIST && strcmp(c->mounts[i].where, path) == 0)
			return true;
	return false;
}

void check_guard(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "Before", 2, 2 },
		{ "Unit", "RequiresMountsFor", 1, 1 },
		{ "Unit", "Conflicts", 1, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "ExecStop", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Unit", "RefuseManualStop", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(4),
	};
	static const char helper[] = CHECK_PREPARE_PATH " guard ", umount[] = "-/bin/umount ";
	_cleanup_free_ char *guarded = NULL, *unmounted = NULL;
	const char *start, *stop;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	start = value_of(u, "ExecStart");
	stop = value_of(u, "ExecStop");
	check_that(strncmp(start, helper, strlen(helper)) == 0, "another command", start);
	check_that(strncmp(stop, umount, strlen(umount)) == 0, "another command", stop);
	guarded = command_word(start + strlen(helper));
	unmounted = command_word(stop + strlen(umount));
	check_that(is_persist(c, guarded), "a guard of no persist", guarded);
	check_that(strcmp(guarded, unmounted) == 0, "another mount is taken away", unmounted);
}
