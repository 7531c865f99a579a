/* SPDX-License-Identifier: MIT */
/* rofs: the command for people; rofs(8). Picks the verb. A new verb is a row of the table and a file. */
#include <getopt.h>
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
};

static void print_usage(FILE *f)
{
	fputs("Usage: rofs COMMAND [OPTION...]\n\n", f);
	for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
		fprintf(f, "  %-7s %-34s %s\n", verbs[i].name, verbs[i].arguments,
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

/* Those before the verb; it parses those after it. Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (c == 'h')
			return print_usage(stdout), ROFS_DONE;
		if (c == 'V')
			return printf("rofs %s\n", ROFS_VERSION), ROFS_DONE;
		return ROFS_USAGE;
	}
	if (optind == argc)
		return print_usage(stderr), ROFS_USAGE;
	return -1;
}

static int run(int argc, char **argv)
{
	const struct verb *verb;
	int status;

	program_set_umask();
	setlocale(LC_ALL, "");
	status = parse_arguments(argc, argv);
	if (status >= 0)
		return status;

	verb = find_verb(argv[optind]);
	if (!verb)
		return unknown_verb(argv[optind]);

	argc -= optind;
	argv += optind;
	optind = 0; /* glibc's getopt starts over */
	return verb->run(argc, argv);
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}
