/* SPDX-License-Identifier: MIT */
#pragma once

#define EXIT_USAGE 2

/**
 * program_options - --help and --version, which all our programs have
 * @name:  of the program
 * @usage: what --help prints, and what a wrong call gets on standard error
 * @least, @most: how many arguments there may be besides the options
 *
 * Sets optind to the first argument.
 *
 * Returns: -1 to go on, else the exit status.
 */
int program_options(int argc, char **argv, const char *name, const char *usage, int least,
		    int most);

/** program_root - the system to work on: ROFS_ROOT, or "/". */
const char *program_root(void);
