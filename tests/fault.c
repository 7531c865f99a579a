/* SPDX-License-Identifier: MIT */
/*
 * For the tests, by LD_PRELOAD: the n-th call that makes or writes something fails, or a signal arrives then.
 *
 *   FAULT_AT=N        the call, counted from 1
 *   FAULT_SINCE=PATH  or the first one at which this exists
 *   FAULT_ERRNO=E     it fails with this number
 *   FAULT_SIGNAL=S    or the process sends itself this signal; 9 is a power cut
 *   FAULT_SHORT=1     or a write(2) takes one byte only
 *   FAULT_SWAP=A:B    or these two paths are exchanged before it, by somebody else
 *   FAULT_READ=1      calls that open, read, look or close count as well
 *   FAULT_TYPE=T      or each mount(2) of a file system of type T, as if the kernel did not know it
 *   FAULT_WHERE=PATH  or each mount(2) on this path
 *   FAULT_STATX=1     or statx(2) does not say what a mount point is, as before Linux 5.8
 *   FAULT_OPENAT2=E   or openat2(2) fails with this number each time: ENOSYS before Linux 5.6
 *   FAULT_WRITER=A:B  after each mount(2), another program appends to these files, if it can
 *   FAULT_QUICK=1     nanosleep(2) does not wait
 *   FAULT_COUNT=FILE  the number of calls so far, for a run that fails nowhere
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static long n_calls;

static long number(const char *name)
{
	const char *s = getenv(name);

	return s ? atol(s) : 0;
}

#define REAL_AS(name, real) ((__typeof__(&name))dlsym(RTLD_NEXT, real))
#define REAL(name)	    REAL_AS(name, #name)
/*
 * What some take or return has two sizes, so the names that a large one has in libc are looked up. Before
 * glibc 2.33 programs do not call fstat(2) and fstatat(2) by these names: there they never fail.
 */
#define REAL64(name) REAL_AS(name, #name "64")
/* A time has two sizes on 32-bit systems only. */
#define REAL_TIME(name, large, usual) REAL_AS(name, sizeof(time_t) > sizeof(long) ? large : usual)

/* mkfs and others that a program of ours runs do not count; they would count from 1 again. */
static int is_ours(void)
{
	return strncmp(program_invocation_short_name, "rofs", 4) == 0;
}

static void tell(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path && is_ours() ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%ld\n", n_calls);
	fclose(f);
}

/* Below all that is counted. */
static void swap(const char *paths)
{
	char a[256];

	snprintf(a, sizeof(a), "%.*s", (int)strcspn(paths, ":"), paths);
	/* A mount point cannot be renamed. */
	if (REAL(renameat2)(AT_FDCWD, a, AT_FDCWD, paths + strlen(a) + 1, RENAME_EXCHANGE) < 0 &&
	    errno != EBUSY)
		abort();
}

static int is_turn(void)
{
	const char *path = getenv("FAULT_SINCE");

	if (!path)
		return n_calls == number("FAULT_AT");
	if (REAL(access)(path, F_OK) < 0)
		return 0;
	unsetenv("FAULT_SINCE");
	return 1;
}

/* Is it this call's turn to fail? */
static int fails(void)
{
	if (!is_ours())
		return 0;
	n_calls++;
	if (!is_turn())
		return 0;
	if (number("FAULT_SIGNAL")) {
		kill(getpid(), (int)number("FAULT_SIGNAL"));
		return 0;
	}
	if (getenv("FAULT_SWAP"))
		swap(getenv("FAULT_SWAP"));
	if (!number("FAULT_ERRNO"))
		return 0;
	errno = (int)number("FAULT_ERRNO");
	return 1;
}

static int read_fails(void)
{
	return number("FAULT_READ") && fails();
}

int mkdir(const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(mkdir)(path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(mkdirat)(fd, path, mode);
}

static int open_fails(int flags)
{
	return flags & O_CREAT ? fails() : read_fails();
}

int openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_fails(flags) ? -1 : REAL64(openat)(fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_fails(flags) ? -1 : REAL64(open)(path, flags, mode);
}

/* What a compiler that checks buffers makes of open(2) without a mode. */
int __openat64_2(int fd, const char *path, int flags);
int __open64_2(const char *path, int flags);

int __openat64_2(int fd, const char *path, int flags)
{
	return openat(fd, path, flags);
}

int __open64_2(const char *path, int flags)
{
	return open(path, flags);
}

/* Whatever it says, the descriptor is closed. */
int close(int fd)
{
	int fault = read_fails() ? errno : 0, r = REAL(close)(fd);

	if (!fault)
		return r;
	errno = fault;
	return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	return read_fails() ? -1 : REAL(ioctl)(fd, request, argument);
}

ssize_t read(int fd, void *data, size_t n)
{
	return read_fails() ? -1 : REAL(read)(fd, data, n);
}

ssize_t readlinkat(int fd, const char *path, char *target, size_t n)
{
	return read_fails() ? -1 : REAL(readlinkat)(fd, path, target, n);
}

int access(const char *path, int mode)
{
	return read_fails() ? -1 : REAL(access)(path, mode);
}

int faccessat(int fd, const char *path, int mode, int flags)
{
	return read_fails() ? -1 : REAL(faccessat)(fd, path, mode, flags);
}

int pipe2(int ends[2], int flags)
{
	return read_fails() ? -1 : REAL(pipe2)(ends, flags);
}

DIR *fdopendir(int fd)
{
	return read_fails() ? NULL : REAL(fdopendir)(fd);
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
	return read_fails() ? -1 : REAL64(pread)(fd, data, n, at);
}

off_t lseek(int fd, off_t at, int whence)
{
	return read_fails() ? -1 : REAL64(lseek)(fd, at, whence);
}

struct dirent *readdir(DIR *d)
{
	return read_fails() ? NULL : REAL64(readdir)(d);
}

int fstat(int fd, struct stat *ret)
{
	return read_fails() ? -1 : REAL_TIME(fstat, "__fstat64_time64", "fstat64")(fd, ret);
}

int fstatat(int fd, const char *path, struct stat *ret, int flags)
{
	return read_fails() ?
		       -1 :
		       REAL_TIME(fstatat, "__fstatat64_time64", "fstatat64")(fd, path, ret, flags);
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

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return fails() ? -1 : REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

/* It may be given by a descriptor. */
static int is_same(const char *where, const char *path)
{
	char real[PATH_MAX];

	return realpath(where, real) && strcmp(real, path) == 0;
}

static void append(const char *files)
{
	char path[PATH_MAX];

	for (size_t n; *files; files += n + (files[n] == ':')) {
		int fd;

		n = strcspn(files, ":");
		snprintf(path, sizeof(path), "%.*s", (int)n, files);
		fd = REAL64(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0)
			continue;
		if (REAL(write)(fd, "early\n", 6) < 0)
			abort();
		REAL(close)(fd);
	}
}

int mount(const char *what, const char *where, const char *type, unsigned long flags,
	  const void *data)
{
	const char *unknown = getenv("FAULT_TYPE"), *writer = getenv("FAULT_WRITER");
	int r, fault;

	if (unknown && type && strcmp(type, unknown) == 0) {
		errno = ENODEV;
		return -1;
	}
	if (getenv("FAULT_WHERE") && is_same(where, getenv("FAULT_WHERE"))) {
		errno = EIO;
		return -1;
	}
	if (fails())
		return -1;
	r = REAL(mount)(what, where, type, flags, data);
	fault = errno;
	if (writer && is_ours())
		append(writer);
	errno = fault;
	return r;
}

int umount2(const char *path, int flags)
{
	return fails() ? -1 : REAL(umount2)(path, flags);
}

int statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	int err = read_fails() ? -1 : REAL(statx)(fd, path, flags, mask, ret);

	if (err == 0 && number("FAULT_STATX"))
		ret->stx_attributes_mask = ret->stx_attributes = 0;
	return err;
}

/* openat2(2), fspick(2), fsconfig(2) and getxattrat(2), which has six arguments, are called so. */
long syscall(long n, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, n);
	for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (n == __NR_openat2 && number("FAULT_OPENAT2")) {
		errno = (int)number("FAULT_OPENAT2");
		return -1;
	}
	if (n != __NR_openat2 && fails())
		return -1;
	return REAL(syscall)(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	return fails() ? -1 : REAL(linkat)(from_fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *path, int flags)
{
	return fails() ? -1 : REAL(unlinkat)(fd, path, flags);
}

int mknodat(int fd, const char *path, mode_t mode, dev_t device)
{
	return fails() ? -1 : REAL(mknodat)(fd, path, mode, device);
}

int fchownat(int fd, const char *path, uid_t user, gid_t group, int flags)
{
	return fails() ? -1 : REAL(fchownat)(fd, path, user, group, flags);
}

int chmod(const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(chmod)(path, mode);
}

int fchown(int fd, uid_t user, gid_t group)
{
	return fails() ? -1 : REAL(fchown)(fd, user, group);
}

int futimens(int fd, const struct timespec times[2])
{
	return fails() ? -1 : REAL_TIME(futimens, "__futimens64", "futimens")(fd, times);
}

int fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : REAL(fchmod)(fd, mode);
}

int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	return fails() ? -1 : REAL(fsetxattr)(fd, name, value, size, flags);
}

int removexattr(const char *path, const char *name)
{
	return fails() ? -1 : REAL(removexattr)(path, name);
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	return read_fails() ? -1 : REAL(getxattr)(path, name, value, size);
}

ssize_t listxattr(const char *path, char *names, size_t size)
{
	return read_fails() ? -1 : REAL(listxattr)(path, names, size);
}

ssize_t flistxattr(int fd, char *names, size_t size)
{
	return read_fails() ? -1 : REAL(flistxattr)(fd, names, size);
}

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	return fails() ? -1 : REAL(setxattr)(path, name, value, size, flags);
}

int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
	return fails() ? -1 :
			 REAL_TIME(utimensat, "__utimensat64", "utimensat")(fd, path, times, flags);
}

ssize_t copy_file_range(int from, off_t *at, int to, off_t *to_at, size_t n, unsigned flags)
{
	return fails() ? -1 : REAL(copy_file_range)(from, at, to, to_at, n, flags);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	return fails() ? -1 : REAL64(pwrite)(fd, data, n, at);
}

int ftruncate(int fd, off_t size)
{
	return fails() ? -1 : REAL64(ftruncate)(fd, size);
}

int syncfs(int fd)
{
	return fails() ? -1 : REAL(syncfs)(fd);
}

int fsync(int fd)
{
	return fails() ? -1 : REAL(fsync)(fd);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	return number("FAULT_QUICK") ? 0 : REAL(nanosleep)(time, left);
}

static void __attribute__((destructor)) finish(void)
{
	tell();
}
