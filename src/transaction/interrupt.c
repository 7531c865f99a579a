/* SPDX-License-Identifier: MIT */
#include "transaction/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "basic/macro.h"

/* What asks the process to end. */
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/*
 * What is never to happen in a window. Stopped, the process would leave the file system writable for as long as
 * nobody continues it. A closed pipe, or the limit of a file's size that a shell has set, must be an error of a write.
 */
static const int disturbing[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ };

static bool is_ignored(int signal)
{
	struct sigaction now;

	return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* A signal that is ignored, by nohup(1) or a shell in the background, would be pending if it was blocked. */
static sigset_t find_ending(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ELEMENTSOF(ending); i++)
		if (!is_ignored(ending[i]))
			sigaddset(&set, ending[i]);
	return set;
}

void interrupt_block(void)
{
	sigset_t set = find_ending();

	for (size_t i = 0; i < ELEMENTSOF(disturbing); i++)
		sigaddset(&set, disturbing[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Returns: the signal, or 0. */
static int find_pending(void)
{
	sigset_t set;

	if (sigpending(&set) < 0)
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(ending); i++)
		if (sigismember(&set, ending[i]) == 1)
			return ending[i];
	return 0;
}

bool interrupt_pending(void)
{
	return find_pending() != 0;
}

bool interrupt_wait(int fd)
{
	sigset_t set = find_ending();
	_cleanup_close_ int signals = signalfd(-1, &set, SFD_CLOEXEC);
	struct pollfd both[] = { { .fd = signals, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };

	while (poll(both, ELEMENTSOF(both), -1) < 0)
		if (errno != EINTR)
			return true; /* the read says what is wrong */
	return both[0].revents == 0;
}

void interrupt_unblock(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

void interrupt_raise(void)
{
	sigset_t set;
	int found = find_pending();

	if (!found)
		return;
	sigemptyset(&set);
	sigaddset(&set, found);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
