/* SPDX-License-Identifier: MIT */
/* What commits an overlay, and what finishes a commit after a power cut. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"

#define FINISH CHECK_LIBEXEC_DIR "/rofs-finish"

void check_finish(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "ConditionPathExists", 1, 1 },
		{ "Unit", "After", 1, 1 },
		{ "Unit", "Before", 2, 3 },
		{ "Unit", "SuccessAction", 1, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(5),
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_that(strcmp(value_of(u, "ExecStart"), FINISH) == 0, "another command", u->name);
	check_that(strcmp(value_of(u, "SuccessAction"), "reboot-force") == 0, "no reboot", u->name);
	check_that(strcmp(value_of(u, "ConditionPathExists"), "/rofs/commit") == 0,
		   "another condition", u->name);
}

/*
 * The path that a pattern of glob(3) stands for. Special characters are in brackets. These do not
 * quote a brace (GLOB_BRACE), so it is a question mark.
 */
static char *path_of_pattern(const char *pattern)
{
	_cleanup_free_ char *plain = unpercent(pattern);
	char *path = join(plain, ""), *to = path;

	for (const char *s = plain; *s; s++) {
		bool bracket = s[0] == '[' && s[1] && strchr("*?[\\", s[1]) && s[2] == ']';

		check_that(bracket || !strchr("*[\\{", *s), "a special character", pattern);
		*to++ = bracket ? s[1] : *s == '?' ? '{' : *s;
		s += bracket ? 2 : 0;
	}
	*to = '\0';
	return path;
}

static bool is_lower(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if ((c->mounts[i].kind == MOUNT_LOWER || c->mounts[i].kind == MOUNT_LOWER_BIND) &&
		    strcmp(c->mounts[i].where, path) == 0)
			return true;
	return false;
}

bool is_pending(const struct check *c, const char *path)
{
	for (size_t i = 0; c->facts->commit_is_pending && i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];

		if (strcmp(e->dir, path) == 0)
			return strcmp(e->type, "swap") != 0 && e->dir[1];
	}
	return false;
}

void check_finish_lower(const struct check *c, const struct unit *u)
{
	static const char helper[] = FINISH " ", staging[] = "/.rofs/staging.*";
	const char *start = value_of(u, "ExecStart"), *condition;
	bool is_command = strncmp(start, helper, strlen(helper)) == 0;
	_cleanup_free_ char *lower = command_word(start + (is_command ? strlen(helper) : 0));
	_cleanup_free_ char *pattern = NULL, *path = NULL;
	const bool is_of_overlay = is_lower(c, lower);
	const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 0, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		/* Without a lower, there is nothing to finish. */
		{ "Unit", "RequiresMountsFor", !is_of_overlay, !is_of_overlay },
		{ "Unit", "After", is_of_overlay, is_of_overlay },
		{ "Unit", "ConditionPathExistsGlob", 1, 1 },
		{ "Unit", "Before", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(5),
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_that(is_command, "another command", start);
	check_that(is_of_overlay || is_pending(c, lower), "a lower that nobody declared", lower);
	condition = value_of(u, "ConditionPathExistsGlob");
	check_that(ends_with(condition, staging), "another condition", condition);
	pattern = copy_n(condition, strlen(condition) - strlen(staging));
	path = path_of_pattern(pattern);
	check_that(strcmp(path, lower) == 0, "another lower in its condition", condition);
}

static const struct conf_overlay *find_overlay(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == MOUNT_BIND && strcmp(c->mounts[i].where, path) == 0)
			return c->mounts[i].overlay;
	return NULL;
}

/* Its CommitAt= asks for this commit. */
static void check_asked(const struct check *c, const char *path, bool at_shutdown)
{
	const struct conf_overlay *o = find_overlay(c, path);

	check_that(o && o->commit_at && !o->partition, "a commit that nobody asked for", path);
	check_that(!at_shutdown || strstr(o->commit_at, "shutdown"), "a commit at shutdown", path);
}

/* The path of the overlay: from rofs-commit-var-log.timer to /var/log. */
static char *path_of_commit(const char *name, const char *suffix)
{
	static const char prefix[] = "/rofs/commit";
	_cleanup_free_ char *path = path_of_unit(name, suffix);

	check_that(strncmp(path, prefix, strlen(prefix)) == 0, "another name", name);
	return join(path + strlen(prefix), "");
}

void check_timer(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },
		{ "Timer", "OnCalendar", 1, SIZE_MAX },
	};
	_cleanup_free_ char *path = path_of_commit(u->name, ".timer");
	const struct conf_overlay *o;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_asked(c, path, false);
	o = find_overlay(c, path);
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->settings[i].key, "OnCalendar") == 0)
			check_that(strstr(o->commit_at, u->settings[i].value) != NULL &&
					   !strchr(u->settings[i].value, '%'),
				   "another time", u->settings[i].value);
}

/* "[-]/usr/bin/rofs commit --yes PATH" */
static char *path_of_command(const char *command)
{
	static const char verb[] = "/bin/rofs commit --yes ";
	const char *found = strstr(command, verb);

	check_that(found && !memchr(command, ' ', (size_t)(found - command)), "another command",
		   command);
	return command_word(found + strlen(verb));
}

void check_commit(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },
		{ "Unit", "RequiresMountsFor", 1, 1 },
		{ "Unit", "StartLimitIntervalSec", 1, 1 },
		{ "Unit", "StartLimitBurst", 1, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "Restart", 1, 1 },
		{ "Service", "RestartSec", 1, 1 },
		{ "Service", "RestartPreventExitStatus", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Service", "TimeoutStartSec", 1, 1 },
		SANDBOX_RULES(5),
	};
	_cleanup_free_ char *path = path_of_commit(u->name, ".service"),
			    *committed = path_of_command(value_of(u, "ExecStart"));

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	check_asked(c, path, false);
	check_that(strcmp(path, committed) == 0, "a commit of another path", committed);
}

void check_shutdown(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 1, 1 },
		{ "Unit", "Before", 2, 2 },
		{ "Unit", "Conflicts", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Service", "Type", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "TimeoutStopSec", 1, 1 },
		{ "Service", "ExecStop", 1, SIZE_MAX },
		SANDBOX_RULES(5),
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	for (size_t i = 0; i < u->n; i++) {
		const struct setting *s = &u->settings[i];
		_cleanup_free_ char *path = NULL;

		if (strcmp(s->key, "ExecStop") != 0 ||
		    strcmp(s->value, "-/bin/journalctl --relinquish-var") == 0)
			continue;
		check_that(s->value[0] == '-', "the other paths would be left out", s->value);
		path = path_of_command(s->value);
		check_asked(c, path, true);
	}
}
