/* SPDX-License-Identifier: MIT */
/*
 * For the tests, by LD_PRELOAD: the n-th call that makes or writes something fails, or a signal arrives then.
 *
 *   FAULT_AT=N        the call, counted from 1
 *   FAULT_ERRNO=E     it fails with this number
 *   FAULT_SIGNAL=S    or the process sends itself this signal; 9 is a power cut
 *   FAULT_SHORT=1     or a write(2) takes one byte only
 *   FAULT_TYPE=T      or each mount(2) of a file system of type T, as if the kernel did not know it
 *   FAULT_COUNT=FILE  the number of calls so far, for a run that fails nowhere
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static long n_calls;

static long number(const char *name)
{
	const char *s = getenv(name);

	return s ? atol(s) : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void tell(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%ld\n", n_calls);
	fclose(f);
}

/* Is it this call's turn to fail? */
static int fails(void)
{
	n_calls++;
	if (n_calls != number("FAULT_AT"))
		return 0;
	if (number("FAULT_SIGNAL")) {
		kill(getpid(), (int)number("FAULT_SIGNAL"));
		return 0;
	}
	if (!number("FAULT_ERRNO"))
		return 0;
	errno = (int)number("FAULT_ERRNO");
	return 1;
}

int mkdir(const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(mkdir)(path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(mkdirat)(fd, path, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (fails())
			return -1;
	}
	return REAL(openat)(fd, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t n)
{
	/* Messages are written too; without them a failure could not be told. */
	if (fd <= 2)
		return REAL(write)(fd, data, n);
	if (fails())
		return -1;
	return REAL(write)(fd, data,
			   n_calls == number("FAULT_AT") && number("FAULT_SHORT") ? 1 : n);
}

int symlinkat(const char *target, int fd, const char *path)
{
	return fails() ? -1 : REAL(symlinkat)(target, fd, path);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return fails() ? -1 : REAL(renameat)(from_fd, from, to_fd, to);
}

int mount(const char *what, const char *where, const char *type, unsigned long flags,
	  const void *data)
{
	const char *unknown = getenv("FAULT_TYPE");

	if (unknown && type && strcmp(type, unknown) == 0) {
		errno = ENODEV;
		return -1;
	}
	return REAL(mount)(what, where, type, flags, data);
}

static void __attribute__((destructor)) finish(void)
{
	tell();
}
