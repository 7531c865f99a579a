/* SPDX-License-Identifier: MIT */
/* rofs: the command for people; rofs(8). Picks the verb. A new verb is a row of the table and a file. */
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "system/log.h"
#include "system/program.h"

struct verb {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(int argc, char **argv);
};

/* In the order of --help. */
static const struct verb verbs[] = {
	{ "status", "[--json]", "show whether this machine is protected, and if not, why",
	  verb_status },
	{ "check", "[--root=DIR] [--json]", "find mistakes, and what would fail on this machine",
	  verb_check },
	{ "plan", "[--root=DIR] [--output=DIR]", "show the units that the generator would write",
	  verb_plan },
	{ "diff", "[--json] [--sort=size] [PATH...]", "show what has changed since boot",
	  verb_diff },
	{ "commit", "[--dry-run] PATH... | --all", "write changes to flash", verb_commit },
	{ "revert", "[--dry-run] PATH...", "put back the version on flash", verb_revert },
	{ "undo", "[--dry-run] [--yes]", "put back what the last transaction replaced on flash",
	  verb_undo },
	{ "log", "[--json] [NUMBER]", "show what was written to flash, when and by whom",
	  verb_log },
	{ "suggest", "[--root=DIR]", "print a rofs.conf for this machine, with reasons",
	  verb_suggest },
	{ "chroot", "[--discard] [--yes] [COMMAND...]",
	  "run a command in the system on flash, and keep what it changes", verb_chroot },
	{ "maintenance", "[--cancel]", "make the next boot, and only that, an ordinary one",
	  verb_maintenance },
};

static void print_usage(FILE *f)
{
	fputs("Usage: rofs COMMAND [OPTION...]\n\n", f);
	for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
		fprintf(f, "  %-11s %-34s %s\n", verbs[i].name, verbs[i].arguments,
			verbs[i].summary);
	fputs("\n"
	      "  --help      show this help; rofs COMMAND --help shows the options of a command\n"
	      "  --version   show the version\n"
	      "\n"
	      "Exit status: 0 done, 1 something is wrong, 2 usage, 3 refused, 4 rofs is off in this boot.\n"
	      "See rofs(8) and rofs.conf(5).\n",
	      f);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *names[ELEMENTSOF(verbs)], *closest;

	for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
		names[i] = verbs[i].name;
	closest = text_closest(name, names, ELEMENTSOF(names));
	if (closest)
		return log_error(ROFS_USAGE, "unknown command %s; did you mean %s?", name, closest);
	return log_error(ROFS_USAGE, "unknown command %s; rofs --help lists all", name);
}

static int run(int argc, char **argv)
{
	static const struct program_call call = {
		.name = "rofs",
		.print_usage = print_usage,
		.least = 1,
		.most = INT_MAX,
		.is_group = true,
	};
	const struct verb *verb;
	int status;

	setlocale(LC_ALL, "");
	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	verb = find_verb(argv[optind]);
	if (!verb)
		return unknown_verb(argv[optind]);
	return verb->run(argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}
