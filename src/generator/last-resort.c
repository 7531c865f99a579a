/* SPDX-License-Identifier: MIT */
#include "generator/last-resort.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "basic/macro.h"

#define SECONDS_MAX 30u /* a third of the time that systemd allows all generators together */
#define STACK_BYTES 16384u

static void die(int signal_number)
{
	static const char hang[] =
		"<3>rofs-generator: not finished after 30 s, giving up; no unit is enabled\n";
	static const char crash[] =
		"<3>rofs-generator: crashed, which is a bug; no unit is enabled\n";
	const char *text = signal_number == SIGALRM ? hang : crash;
	size_t n = signal_number == SIGALRM ? sizeof(hang) - 1 : sizeof(crash) - 1;
	int fd;

	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && write(fd, text, n) < 0)
		_exit(1); /* nowhere else to log */
	_exit(1);
}

void last_resort_install(void)
{
	/* The handler of a stack overflow needs a stack of its own. */
	static char stack[STACK_BYTES];
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = die, .sa_flags = SA_ONSTACK };

	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < ELEMENTSOF(fatal); i++)
		sigaction(fatal[i], &action, NULL);
	alarm(SECONDS_MAX);
}
