/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "basic/macro.h"

#define EXIT_USAGE 2

/**
 * program_main - what main() of every program does
 * @run: the program; returns its exit status
 *
 * Descriptors 0 to 2 that are closed are occupied before, so that no file that is opened becomes
 * standard output. A terminal that does not read UTF-8 gets none. Output that was lost is a failure,
 * whatever @run returned, and is reported.
 *
 * Returns: the exit status.
 */
int program_main(int argc, char **argv, int (*run)(int argc, char **argv));

/** struct program_option - an option of one program; either @value or @given is set */
struct program_option {
	const char *name;
	char letter;	    /* 0: it has none; not for one with an argument */
	const char **value; /* set to its argument */
	bool *given;	    /* set to true; the option has no argument */
};

/** struct program_call - the command line that a program accepts */
struct program_call {
	const char *name;  /* of the program, for --version; NULL: a verb, which has none */
	const char *usage; /* printed by --help, and on standard error for wrong arguments */
	void (*print_usage)(FILE *f); /* instead of @usage, where that is not only text */
	const struct program_option *options;
	size_t n_options;
	int least, most; /* number of arguments besides the options */
	bool is_group;	 /* the first argument ends the options: those after it are a verb's */
};

/**
 * program_parse - parse --help, --version and the program's own options
 *
 * What is wrong is logged here: getopt(3) would print the option as it is, escape sequences included.
 *
 * Sets optind to the first argument. Whatever umask the program was started with, it has that of
 * program_set_umask() from here on.
 *
 * Returns: -1 to go on, else the exit status.
 */
int program_parse(int argc, char **argv, const struct program_call *call);

/** program_options - program_parse() for a program without options of its own. */
int program_options(int argc, char **argv, const char *name, const char *usage, int least,
		    int most);

/** program_print - one line on standard output, made printable */
void program_print(const char *format, ...) _printf_(1, 2);

/** program_set_umask - files get the modes that the program gives them, but are not writable for all */
void program_set_umask(void);

/** program_root - the system to work on: ROFS_ROOT, or "/". */
const char *program_root(void);
