/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/run.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "rofs/chroot/enter.h"
#include "rofs/chroot/view.h"
#include "system/log.h"
#include "transaction/interrupt.h"

/* What process 1 of the namespace tells: memory that both have. */
struct told {
	bool mounted, ran, finished;
	int status; /* as waitpid(2) has it */
};

/* The terminal as it was before: the command may leave it in another mode, or to another process group. */
struct terminal {
	bool is_one;
	struct termios mode;
};

static struct terminal terminal_save(void)
{
	struct terminal t;

	t.is_one = tcgetpgrp(STDIN_FILENO) == getpgrp() && tcgetattr(STDIN_FILENO, &t.mode) == 0;
	return t;
}

static void terminal_restore(const struct terminal *t)
{
	sigset_t stop, old;

	if (!t->is_one)
		return;
	/* Who is in the background is stopped by SIGTTOU otherwise. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &old);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t->mode);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* How the process was started: a signal that was ignored then, as by nohup(1), stays ignored. */
struct signals {
	bool terminal; /* it is that of the command, too */
	sigset_t mask;
	struct sigaction interrupt, quit, child;
};

/* A signal that is blocked comes even if it is ignored. */
static void add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction now;

	if (sigaction(signal, NULL, &now) < 0 || now.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

static void signals_set(struct signals *ret, sigset_t *ret_wait)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN },
			       usual = { .sa_handler = SIG_DFL };

	sigemptyset(ret_wait);
	add_unless_ignored(ret_wait, SIGTERM);
	add_unless_ignored(ret_wait, SIGHUP);
	sigaddset(ret_wait, SIGCHLD);
	sigprocmask(SIG_BLOCK, ret_wait, &ret->mask);
	sigaction(SIGINT, &ignore, &ret->interrupt);
	sigaction(SIGQUIT, &ignore, &ret->quit);
	sigaction(SIGCHLD, &usual, &ret->child);
}

/* Those for the command are not for what follows: the kernel drops them when they are ignored anew. */
static void signals_restore(const struct signals *s)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGINT, &s->interrupt, NULL);
	sigaction(SIGQUIT, &s->quit, NULL);
	sigaction(SIGCHLD, &s->child, NULL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/*
 * A group of its own: that of this process has no number in the namespace, and a shell fails if it cannot
 * give the terminal back in the end.
 */
static void take_terminal(void)
{
	sigset_t stop, old;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &old);
	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Nobody is left: all of them are in this namespace. */
static void kill_all(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int wait_for(pid_t pid, int *ret_status)
{
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, WUNTRACED);

		if (ended < 0 && errno != EINTR)
			return -errno;
		/* While it is stopped, the root would stay writable, and no user could continue it. */
		if (ended > 0 && WIFSTOPPED(status)) {
			kill(ended, SIGCONT);
			kill(-ended, SIGCONT);
			continue;
		}
		if (ended == pid) {
			*ret_status = status;
			return 0;
		}
	}
}

static int run_in_view(const struct chroot *c, const struct view *v, const struct signals *s,
		       int *ret_status)
{
	pid_t pid = fork();

	if (pid < 0)
		return log_error(-errno, "cannot start a process: %s", strerror(errno));
	if (pid == 0) {
		signals_restore(s);
		interrupt_unblock();
		if (s->terminal)
			take_terminal();
		_exit(enter(c, v->root_fd));
	}
	return wait_for(pid, ret_status);
}

static int run_all(const struct chroot *c, struct view *v, const struct signals *s,
		   struct told *told)
{
	int err = view_mount(c, v, &told->mounted);

	if (err < 0)
		return err;
	view_show(c, v);
	err = run_in_view(c, v, s, &told->status);
	if (err < 0)
		return err;
	told->ran = true;
	kill_all();
	/* What a signal has ended is discarded. */
	if (!WIFSIGNALED(told->status))
		err = view_finish(c, v);
	told->finished = err >= 0;
	return err;
}

/*
 * Process 1 of the namespace: when it ends, the kernel kills all others there. It is not in the chroot
 * itself, by which systemctl and ischroot recognize one. @alive is a pipe that is closed when the process
 * outside ends.
 */
static void run_first(const struct chroot *c, const struct signals *s, int alive, struct told *told)
{
	_cleanup_(view_done) struct view v = VIEW_INIT;
	struct pollfd ended = { .fd = alive };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&ended, 1, 0) != 0)
		return; /* it has ended before */
	run_all(c, &v, s, told);
}

/* As fork(2). s390 has the stack first. */
static pid_t fork_into_namespace(void)
{
	unsigned long flags = CLONE_NEWPID | SIGCHLD;

#ifdef __s390__
	return (pid_t)syscall(__NR_clone, NULL, flags, NULL, NULL, NULL);
#else
	return (pid_t)syscall(__NR_clone, flags, NULL, NULL, NULL, NULL);
#endif
}

/* Returns the signal that has ended it, or 0. */
static int wait_outside(pid_t first, const sigset_t *signals)
{
	int by = 0, status;

	for (;;) {
		int number = sigwaitinfo(signals, NULL);

		if (number == SIGTERM || number == SIGHUP) {
			by = number;
			kill(first, SIGKILL);
		}
		if (number == SIGCHLD && waitpid(first, &status, WNOHANG) == first)
			return by;
	}
}

static int run_outside(const struct chroot *c, bool terminal, struct told *told, int *ret_ended_by)
{
	_cleanup_close_ int here = -1, there = -1;
	struct signals old = { .terminal = terminal };
	sigset_t wait;
	int ends[2], err;
	pid_t first;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	there = ends[0];
	here = ends[1];
	signals_set(&old, &wait);
	first = fork_into_namespace();
	if (first == 0) {
		close(TAKE_FD(here));
		run_first(c, &old, there, told);
		_exit(0);
	}
	err = first < 0 ? -errno : 0;
	if (first > 0)
		*ret_ended_by = wait_outside(first, &wait);
	/* All at once: what was mounted in it goes as well. */
	if (told->mounted && umount2(WINDOW_ROOT, MNT_DETACH) < 0)
		err = log_error(-errno, "cannot unmount the chroot: %s", strerror(errno));
	signals_restore(&old);
	return err;
}

static void set_result(const struct told *told, struct run_result *r)
{
	r->ran = told->ran && told->finished;
	r->signal = WIFSIGNALED(told->status) ? WTERMSIG(told->status) : 0;
	r->status = r->signal ? 128 + r->signal : WEXITSTATUS(told->status);
}

int run_command(const struct chroot *c, struct run_result *ret)
{
	struct terminal terminal = terminal_save();
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (told == MAP_FAILED)
		return -errno;
	err = run_outside(c, terminal.is_one, told, &ret->ended_by);
	terminal_restore(&terminal);
	ret->by_shell = !c->options.command[0];
	set_result(told, ret);
	munmap(told, sizeof(*told));
	return err;
}
