/* SPDX-License-Identifier: MIT */
#include "transaction/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/text.h"

#define HOLDER_BYTES_MAX 128u

/* lock_is_taken() has the lock for a moment. */
#define TRIES	 10
#define TRY_NSEC 10000000L

/* "1234 rofs": for the message of another run. */
static int write_holder(int fd)
{
	char text[HOLDER_BYTES_MAX];

	snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), program_invocation_short_name);
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return write_all(fd, text, strlen(text));
}

static int refuse_for(const char *pid, const char *name, char **ret_why)
{
	/* The guard has it, and does not end as long as the file system is in use. */
	if (kill((pid_t)strtol(pid, NULL, 10), 0) < 0 && errno == ESRCH)
		return text_format(
			ret_why,
			"a file system is still writable after %s (PID %s), because it is "
			"in use; wait until it is not",
			name, pid);
	return text_format(ret_why,
			   "another transaction is running (%s, PID %s); wait until it has ended",
			   name, pid);
}

static int refuse(int fd, char **ret_why)
{
	char text[HOLDER_BYTES_MAX], pid[24], name[64];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int err;

	text[n < 0 ? 0 : n] = '\0';
	if (sscanf(text, "%23[0-9] %63[^\n]", pid, name) == 2)
		err = refuse_for(pid, name, ret_why);
	else
		err = text_format(ret_why,
				  "another transaction is running; wait until it has ended");
	return err < 0 ? err : -EPERM;
}

static int try_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = TRY_NSEC };
	int err = -EWOULDBLOCK;

	for (int i = 0; i < TRIES && err == -EWOULDBLOCK; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	}
	return err;
}

int lock_hold(int root_fd, char **ret_why)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, LOCK_DIR, 0755);
	_cleanup_close_ int fd = -1;
	int err;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = try_lock(fd);
	if (err == -EWOULDBLOCK)
		return refuse(fd, ret_why);
	return err < 0 ? err : TAKE_FD(fd);
}

int lock_take(int root_fd, char **ret_why)
{
	_cleanup_close_ int fd = lock_hold(root_fd, ret_why);
	int err = fd < 0 ? fd : write_holder(fd);

	return err < 0 ? err : TAKE_FD(fd);
}

int lock_is_taken(int root_fd)
{
	_cleanup_close_ int fd = open_beneath(root_fd, LOCK_DIR "/" LOCK_FILE, O_RDONLY);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : -errno;
	return 0;
}
