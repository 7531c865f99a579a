/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

int program_options(int argc, char **argv, const char *name, const char *usage, int least, int most)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h')
			return fputs(usage, stdout), EXIT_SUCCESS;
		if (c == 'V')
			return printf("%s %s\n", name, ROFS_VERSION), EXIT_SUCCESS;
		return EXIT_USAGE;
	}

	if (argc - optind < least || argc - optind > most)
		return fputs(usage, stderr), EXIT_USAGE;
	return -1;
}

const char *program_root(void)
{
	const char *root = getenv("ROFS_ROOT");

	return root ? root : "/";
}
