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
#include "system/terminal.h"

#define OPTIONS_MAX 10u

/* What getopt_long() returns for an option without a letter: above every letter. */
enum {
	OPTION_HELP = 256,
	OPTION_VERSION,
	OPTION_FIRST_OWN,
};

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

/* Whoever starts it chooses by which name it is called, and messages begin with that. */
static void make_own_name_printable(void)
{
	for (char *s = program_invocation_name; *s; s++)
		if (*s < ' ' || *s >= 0x7f)
			*s = '?';
}

int program_main(int argc, char **argv, int (*run)(int argc, char **argv))
{
	bool lost;
	int status;

	occupy_standard_descriptors();
	make_own_name_printable();
	if (terminal_guard_output() < 0)
		return log_error(EXIT_FAILURE, "out of memory");
	status = run(argc, argv);

	lost = ferror(stdout);
	errno = 0;
	/* A network file system may say only now that it is full. */
	if (fclose(stdout) == EOF || lost)
		return log_error(EXIT_FAILURE, "standard output: %s",
				 errno ? strerror(errno) : "write error");
	return status;
}

void program_set_umask(void)
{
	umask(0022);
}

/* What getopt(3) is told of the options, in both its languages. */
struct getopt_tables {
	struct option names[OPTIONS_MAX + 3];
	char letters[OPTIONS_MAX + 4];
};

static struct getopt_tables make_tables(const struct program_call *call)
{
	struct getopt_tables t = { .names = { { "help", no_argument, NULL, OPTION_HELP } } };
	size_t n = 1, n_letters;

	assert(call->n_options <= OPTIONS_MAX);
	strcpy(t.letters, call->is_group ? "+:h" : ":h");
	n_letters = strlen(t.letters);
	if (call->name)
		t.names[n++] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
	for (size_t i = 0; i < call->n_options; i++) {
		const struct program_option *o = &call->options[i];

		t.names[n++] = (struct option){ o->name, o->value ? required_argument : no_argument,
						NULL, OPTION_FIRST_OWN + (int)i };
		if (o->letter)
			t.letters[n_letters++] = o->letter;
	}
	return t;
}

static void take(const struct program_option *o)
{
	if (o->value)
		*o->value = optarg;
	else
		*o->given = true;
}

/* @c: what getopt_long() has returned. Returns: false if it is no option of the program's own. */
static bool take_own(const struct program_call *call, int c)
{
	for (size_t i = 0; i < call->n_options; i++) {
		const struct program_option *o = &call->options[i];

		if (c == OPTION_FIRST_OWN + (int)i || (o->letter && c == o->letter)) {
			take(o);
			return true;
		}
	}
	return false;
}

/* @c: ':' if an argument is missing, else '?'. */
static int wrong_option(char **argv, int c)
{
	const char *option = argv[optind - 1];

	if (c == ':')
		return log_error(EXIT_USAGE, "option %s requires an argument", option);
	if (optopt == 0)
		return log_error(EXIT_USAGE, "option %s is unknown or ambiguous; --help lists all",
				 option);
	if (optopt >= OPTION_HELP)
		return log_error(EXIT_USAGE, "option %.*s takes no argument",
				 (int)strcspn(option, "="), option);
	return log_error(EXIT_USAGE, "option -%c is unknown; --help lists all", optopt);
}

static void print_usage(const struct program_call *call, FILE *f)
{
	if (call->print_usage)
		call->print_usage(f);
	else
		fputs(call->usage, f);
}

int program_parse(int argc, char **argv, const struct program_call *call)
{
	struct getopt_tables t = make_tables(call);
	int c;

	program_set_umask();
	optind = 0; /* glibc's getopt starts over: a verb comes after the options before it */
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.letters, t.names, NULL)) >= 0) {
		if (c == 'h' || c == OPTION_HELP)
			return print_usage(call, stdout), EXIT_SUCCESS;
		if (c == OPTION_VERSION)
			return printf("%s %s\n", call->name, ROFS_VERSION), EXIT_SUCCESS;
		if (!take_own(call, c))
			return wrong_option(argv, c);
	}

	if (argc - optind < call->least || argc - optind > call->most)
		return print_usage(call, stderr), EXIT_USAGE;
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
