/* SPDX-License-Identifier: MIT */
#include "system/program.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/text.h"
#include "system/log.h"

#define OPTIONS_MAX 8u
#define FIRST_OWN   256 /* above every letter */

/* The lowest free descriptor is taken. Neither reading nor writing is possible. */
static void occupy_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/", O_PATH);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int program_main(int argc, char **argv, int (*run)(int argc, char **argv))
{
	bool lost;
	int status;

	occupy_standard_descriptors();
	status = run(argc, argv);

	lost = ferror(stdout);
	errno = 0;
	/* A network file system may say only now that it is full. */
	if (fclose(stdout) == EOF || lost)
		return log_error(EXIT_FAILURE, "standard output: %s",
				 errno ? strerror(errno) : "write error");
	return status;
}

static void take(const struct program_option *o)
{
	if (o->value)
		*o->value = optarg;
	else
		*o->given = true;
}

void program_set_umask(void)
{
	umask(0022);
}

int program_parse(int argc, char **argv, const struct program_call *call)
{
	struct option options[OPTIONS_MAX + 3] = { { "help", no_argument, NULL, 'h' } };
	size_t n = 1;
	int c;

	assert(call->n_options <= OPTIONS_MAX);
	program_set_umask();
	if (call->name)
		options[n++] = (struct option){ "version", no_argument, NULL, 'V' };
	for (size_t i = 0; i < call->n_options; i++) {
		const struct program_option *o = &call->options[i];

		options[n++] = (struct option){ o->name, o->value ? required_argument : no_argument,
						NULL, FIRST_OWN + (int)i };
	}

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h')
			return fputs(call->usage, stdout), EXIT_SUCCESS;
		if (c == 'V')
			return printf("%s %s\n", call->name, ROFS_VERSION), EXIT_SUCCESS;
		if (c < FIRST_OWN || !call->options)
			return EXIT_USAGE;
		take(&call->options[c - FIRST_OWN]);
	}

	if (argc - optind < call->least || argc - optind > call->most)
		return fputs(call->usage, stderr), EXIT_USAGE;
	return -1;
}

int program_options(int argc, char **argv, const char *name, const char *usage, int least, int most)
{
	const struct program_call call = {
		.name = name, .usage = usage, .least = least, .most = most
	};

	return program_parse(argc, argv, &call);
}

void program_print(const char *format, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;
	int err;

	va_start(ap, format);
	err = text_format_printable(&line, format, ap);
	va_end(ap);
	if (err < 0)
		log_error(err, "out of memory: a message is lost");
	else
		puts(line);
}

const char *program_root(void)
{
	const char *root = getenv("ROFS_ROOT");

	return root ? root : "/";
}
