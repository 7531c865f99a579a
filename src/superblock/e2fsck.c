/* SPDX-License-Identifier: MIT */
#include "superblock/e2fsck.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/macro.h"

/* fsck(8): the bits of a verdict are for errors found, corrected or not. */
#define STATUS_VERDICT 7
#define STATUS_FAILED  8

/* Whoever is told to stop waits for e2fsck, which then must be told too. */
static int unblock_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	err = posix_spawnattr_setsigmask(attributes, &none);
	return err == 0 ? posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK) : err;
}

/* The device is its standard input: it is not opened by a name that may lead elsewhere by now. */
static int spawn(int fd, int output, pid_t *ret)
{
	static const char *const argv[] = { "e2fsck", "-fn", "/proc/self/fd/0", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int err = posix_spawn_file_actions_init(&actions);

	if (err != 0)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (err != 0)
		return posix_spawn_file_actions_destroy(&actions), -err;
	err = unblock_signals(&attributes);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (err == 0)
		err = posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *)argv,
				   environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Until all that write to the pipe are gone. */
static unsigned long count_lines(int fd)
{
	unsigned long lines = 0;
	char buffer[4096];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t i = 0; i < n; i++)
			lines += buffer[i] == '\n';
	return lines;
}

int e2fsck_look(int fd, struct e2fsck_result *ret)
{
	int ends[2], status, err;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	err = spawn(fd, ends[1], &pid);
	close(ends[1]);
	if (err >= 0)
		ret->lines = count_lines(ends[0]);
	close(ends[0]);
	if (err < 0)
		return err;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	ret->status = WEXITSTATUS(status);
	ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}

bool e2fsck_has_verdict(const struct e2fsck_result *result)
{
	return result->signal == 0 && (result->status & ~STATUS_VERDICT) == 0;
}

bool e2fsck_cannot_open(const struct e2fsck_result *result)
{
	return result->signal == 0 && result->status == STATUS_FAILED;
}
