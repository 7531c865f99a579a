/* SPDX-License-Identifier: MIT */
#include "transaction/guard.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "basic/io.h"
#include "transaction/left.h"
#include "transaction/restore.h"

#define NAME "rofs-guard"

/* From 50 ms to a minute: dropping caches each time costs something, and the wait may be long. */
#define PAUSE_MSEC_MIN 50L
#define PAUSE_MSEC_MAX 60000L

struct guarding {
	int root_fd, lock_fd, socket_fd;
	const struct target *targets;
	size_t n;
	int reading_fd; /* of /proc/self/fd, while it is read */
};

static void ignore_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool is_needed(const struct guarding *g, int fd)
{
	if (fd <= STDERR_FILENO || fd == g->root_fd || fd == g->lock_fd || fd == g->socket_fd ||
	    fd == g->reading_fd)
		return true;
	for (size_t i = 0; i < g->n; i++)
		if (g->targets[i].fd == fd)
			return true;
	return false;
}

static int close_other(void *data, const char *name)
{
	char *end;
	long fd = strtol(name, &end, 10);

	if (*end == '\0' && end != name && !is_needed(data, (int)fd))
		close((int)fd);
	return 0;
}

/* Whoever reads what the command prints must not wait for the guard. */
static void close_others(struct guarding *g)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = STDIN_FILENO; i <= STDERR_FILENO && null >= 0; i++)
		dup2(null, i);
	g->reading_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->reading_fd >= 0)
		each_name(g->reading_fd, close_other, g);
}

static void survive_low_memory(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		write_all(fd, "-1000\n", strlen("-1000\n"));
}

static void become_daemon(struct guarding *g)
{
	setsid();
	ignore_signals();
	prctl(PR_SET_NAME, NAME);
	if (chdir("/") < 0)
		return;
	close_others(g);
	survive_low_memory();
}

/*
 * Of the other process: whether the guard is ready for whatever happens. Of the guard: whether the window
 * was closed properly. Returns: false if the other one has ended.
 */
static bool wait_for_byte(int fd)
{
	char c;
	ssize_t n;

	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static void pause_msec(long msec)
{
	const struct timespec t = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static _Noreturn void guard_run(struct guarding *g)
{
	long pause = PAUSE_MSEC_MIN;

	become_daemon(g);
	send(g->socket_fd, "", 1, MSG_NOSIGNAL);
	if (wait_for_byte(g->socket_fd))
		_exit(EXIT_SUCCESS);
	while (restore_once(g->root_fd, g->targets, g->n) < 0) {
		pause_msec(pause);
		pause = 2 * pause < PAUSE_MSEC_MAX ? 2 * pause : PAUSE_MSEC_MAX;
	}
	left_remove(g->root_fd);
	_exit(EXIT_SUCCESS);
}

int guard_start(int root_fd, int lock_fd, const struct target *targets, size_t n, struct guard *ret)
{
	struct guarding g = { .root_fd = root_fd, .lock_fd = lock_fd, .targets = targets, .n = n };
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		g.socket_fd = fds[0];
		guard_run(&g);
	}
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return -EAGAIN;
	}
	*ret = (struct guard){ .pid = pid, .fd = fds[1] };
	return wait_for_byte(fds[1]) ? 0 : -ECHILD;
}

void guard_dismiss(struct guard *g)
{
	const char c = 0;

	if (g->pid <= 0)
		return;
	send(g->fd, &c, 1, MSG_NOSIGNAL); /* without effect if it was killed */
	close(g->fd);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*g = (struct guard){ 0 };
}

void guard_leave(struct guard *g)
{
	if (g->pid > 0)
		close(g->fd);
	*g = (struct guard){ 0 };
}
