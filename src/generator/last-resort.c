/* SPDX-License-Identifier: MIT */
#include "generator/last-resort.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "basic/macro.h"
#include "system/emit.h"

#define SECONDS_MAX	  30u /* a third of the time that systemd allows all generators together */
#define SECONDS_TO_REMOVE 10u
#define STACK_BYTES	  16384u

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };

static void quit(_unused_ int signal_number)
{
	_exit(EXIT_FAILURE);
}

/*
 * What is broken may break the removal of what has been written, too: it ends the same way then. For
 * that, SA_NODEFER: a second signal of the kind would kill.
 */
static void remove_written(void)
{
	const struct sigaction action = { .sa_handler = quit, .sa_flags = SA_ONSTACK };

	for (size_t i = 0; i < ELEMENTSOF(fatal); i++)
		sigaction(fatal[i], &action, NULL);
	alarm(SECONDS_TO_REMOVE);
	emit_give_up();
}

static void die(int signal_number)
{
	static const char hang[] =
		"<3>rofs-generator: not finished after 30 s, giving up; no unit is enabled\n";
	static const char crash[] =
		"<3>rofs-generator: crashed, which is a bug; no unit is enabled\n";
	const char *text = signal_number == SIGALRM ? hang : crash;
	size_t n = signal_number == SIGALRM ? sizeof(hang) - 1 : sizeof(crash) - 1;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t written = fd < 0 ? -1 : write(fd, text, n);

	(void)written; /* there is nowhere else to log */
	remove_written();
	_exit(EXIT_FAILURE);
}

void last_resort_install(void)
{
	/* The handler of a stack overflow needs a stack of its own. */
	static char stack[STACK_BYTES];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = die, .sa_flags = SA_ONSTACK | SA_NODEFER };

	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < ELEMENTSOF(fatal); i++)
		sigaction(fatal[i], &action, NULL);
	alarm(SECONDS_MAX);
}
