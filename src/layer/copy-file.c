/* SPDX-License-Identifier: MIT */
#include "layer/copy-file.h"

#include <fcntl.h>
#include <stdbool.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/attributes.h"

#define RANGE_MAX  ((off_t)64 * 1024 * 1024)
#define BUFFER_MAX ((off_t)64 * 1024)
#define PART	   ((off_t)8 * 1024 * 1024) /* of a file, that is written while the next one is copied */

/* One file, and where its copy is to be. */
struct job {
	int from_dir;
	const char *from;
	int to_dir;
	const char *to;
	const struct copy_watch *watch; /* NULL: nobody does */
	struct failure *failure;
};

static int tell_copied(const struct job *j, off_t bytes)
{
	if (!j->watch || !j->watch->copied)
		return 0;
	return j->watch->copied(j->watch->data, (uint64_t)bytes);
}

static size_t at_most(off_t wanted, off_t max)
{
	return (size_t)(wanted < max ? wanted : max);
}

static int write_at(int fd, const char *s, size_t n, off_t at, struct failure *f)
{
	while (n > 0) {
		ssize_t k = pwrite(fd, s, n, at);

		if (k < 0)
			return failure_note(f, FAILURE_WRITE);
		if (k == 0)
			return -EIO;
		s += k;
		n -= (size_t)k;
		at += k;
	}
	return 0;
}

/*
 * What is copied goes to the medium anyway, so the medium need not wait until all is copied. Only whole parts: small
 * files get their place side by side, when all of them are written.
 */
static void begin_to_write(int to, off_t end)
{
	if (end >= PART && end % PART == 0)
		(void)sync_file_range(to, end - PART, PART, SYNC_FILE_RANGE_WRITE);
}

/*
 * For what copy_file_range(2) does not do: other types of file systems, older kernels. Returns 1 where it
 * ends before @end, 0, or -errno.
 */
static int copy_by_buffer(const struct job *j, int from, int to, off_t at, off_t end)
{
	char buffer[BUFFER_MAX];

	while (at < end) {
		ssize_t n = pread(from, buffer, at_most(end - at, BUFFER_MAX), at);
		int err;

		if (n < 0)
			return failure_note(j->failure, "read");
		if (n == 0)
			return j->watch ? 1 : -EIO; /* it has become shorter */
		err = write_at(to, buffer, (size_t)n, at, j->failure);
		if (err >= 0)
			err = tell_copied(j, n);
		if (err < 0)
			return err;
		at += n;
		begin_to_write(to, at);
	}
	return 0;
}

static int copy_range(const struct job *j, int from, int to, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		int err;
		ssize_t n = copy_file_range(from, &in, to, &out, at_most(end - at, RANGE_MAX), 0);

		if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
			return failure_note(j->failure, FAILURE_WRITE);
		if (n < 0 && errno == EIO)
			return -errno; /* of either file */
		if (n <= 0)
			return copy_by_buffer(j, from, to, at, end);
		err = tell_copied(j, n);
		if (err < 0)
			return err;
		at += n;
	}
	return 0;
}

/*
 * The next bytes from @at on that are no hole. Where the file system cannot tell its holes, all is
 * data. Returns false when there is nothing but a hole up to the end.
 */
static bool next_data(int fd, off_t size, off_t at, off_t *ret_begin, off_t *ret_end)
{
	off_t data = lseek(fd, at, SEEK_DATA), hole;

	if (data < 0 && errno == ENXIO)
		return false;
	hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
	*ret_begin = data < 0 ? at : data;
	*ret_end = hole < 0 || hole > size ? size : hole;
	return true;
}

/* If the original has become shorter meanwhile, the watcher finds that out; this is all there is. */
static int cut(int from, int to, off_t size, struct failure *f)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return failure_note(f, "read");
	return st.st_size < size && ftruncate(to, st.st_size) < 0 ? failure_note(f, FAILURE_WRITE) :
								    0;
}

static int copy_content(const struct job *j, int from, int to, off_t size)
{
	off_t begin, end;

	/* First: where a file grows while it is written, xfs reserves more than it needs, in holes as well. */
	if (ftruncate(to, size) < 0)
		return failure_note(j->failure, FAILURE_WRITE);
	for (off_t at = 0; at < size && next_data(from, size, at, &begin, &end); at = end) {
		int err = copy_range(j, from, to, begin, end);

		if (err < 0)
			return err;
		if (err > 0)
			break;
	}
	return j->watch ? cut(from, to, size, j->failure) : 0;
}

/* With all of its blocks, in one read and one write: nothing is asked, and nothing is reserved. */
static bool is_small(const struct stat *st)
{
	return st->st_size <= BUFFER_MAX && st->st_blocks * 512 >= st->st_size;
}

/* Without a watcher, it waits for as long as that takes. */
static int open_again(const struct job *j, const char *path)
{
	const bool asks = j->watch && j->watch->leased;
	const int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC | (asks ? O_NONBLOCK : 0);
	int fd = open(path, flags);

	while (fd < 0 && errno == EAGAIN && asks) {
		int err = j->watch->leased(j->watch->data);

		if (err < 0) {
			errno = -err;
			break;
		}
		fd = open(path, flags);
	}
	return fd;
}

/* Whoever has a lease on the file has a time to give it up; fcntl(2), /proc/sys/fs/lease-break-time. */
static int open_leased(const struct job *j)
{
	_cleanup_close_ int fd = openat(j->from_dir, j->from, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = ESTALE;
		return -1;
	}
	return open_again(j, fd_name(fd).path);
}

/* O_NONBLOCK: if it has become a FIFO, the open does not wait for a writer. */
static int open_original(const struct job *j)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(j->from_dir, j->from, flags | O_NOATIME);

	/* Only the owner and root may choose that reading leaves no trace. */
	if (fd < 0 && errno == EPERM)
		fd = openat(j->from_dir, j->from, flags);
	if (fd < 0 && errno == EAGAIN)
		fd = open_leased(j);
	if (fd < 0 && errno == ENXIO)
		errno = ESTALE; /* it has become a socket */
	return fd;
}

/* To set the mode later is a write. But where others may come, a copy is not open to its first group. */
static mode_t mode_of_copy(const struct job *j, const struct stat *st)
{
	return j->watch ? st->st_mode & 0777 : 0600;
}

static int copy_regular(const struct job *j)
{
	_cleanup_close_ int from = -1, to = -1;
	struct stat st;
	int err;

	from = open_original(j);
	if (from < 0 || fstat(from, &st) < 0)
		return failure_note(j->failure, "open");
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	err = j->watch && j->watch->opened ? j->watch->opened(j->watch->data, from, &st) : 0;
	if (err < 0)
		return err;
	to = openat(j->to_dir, j->to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode_of_copy(j, &st));
	if (to < 0)
		return failure_note(j->failure, FAILURE_CREATE);

	err = is_small(&st) ? copy_by_buffer(j, from, to, 0, st.st_size) :
			      copy_content(j, from, to, st.st_size);
	return err < 0 ? err : attributes_copy(from, to, j->failure);
}

static int copy_link(const struct job *j, off_t size)
{
	_cleanup_free_ char *target = malloc((size_t)size + 2);
	ssize_t n;

	if (!target)
		return -ENOMEM;
	n = readlinkat(j->from_dir, j->from, target, (size_t)size + 1);
	if (n < 0)
		return errno == EINVAL ? -ESTALE : failure_note(j->failure, "read");
	if (n > size)
		return -ESTALE;
	target[n] = '\0';
	if (symlinkat(target, j->to_dir, j->to) < 0)
		return failure_note(j->failure, FAILURE_CREATE);
	return 0;
}

static int make_node(const struct job *j, const struct stat *st)
{
	mode_t mode = (st->st_mode & S_IFMT) | 0600;

	if (mknodat(j->to_dir, j->to, mode, st->st_rdev) < 0)
		return failure_note(j->failure, FAILURE_CREATE);
	return 0;
}

/* Is the descriptor that of what @st was found of? */
static int check_same(int fd, const struct stat *st)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	return now.st_ino == st->st_ino && (now.st_mode & S_IFMT) == (st->st_mode & S_IFMT) ?
		       0 :
		       -ESTALE;
}

/* Symbolic links, device nodes and FIFOs: what cannot or must not be opened. */
static int copy_unopened(const struct job *j, const struct stat *st)
{
	_cleanup_close_ int from = -1, to = -1;
	int err = S_ISLNK(st->st_mode) ? copy_link(j, st->st_size) : make_node(j, st);

	if (err < 0)
		return err;
	from = openat(j->from_dir, j->from, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return failure_note(j->failure, "open");
	err = check_same(from, st);
	if (err < 0)
		return err;
	to = openat(j->to_dir, j->to, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return failure_note(j->failure, "open the copy of");
	return attributes_copy(from, to, j->failure);
}

int copy_file_watched(int from_dir, const char *from, int to_dir, const char *to,
		      const struct stat *st, const struct copy_watch *watch, struct failure *f)
{
	const struct job j = { from_dir, from, to_dir, to, watch, f };

	return S_ISREG(st->st_mode) ? copy_regular(&j) : copy_unopened(&j, st);
}

int copy_file(int from_dir, const char *from, int to_dir, const char *to, const struct stat *st,
	      struct failure *f)
{
	return copy_file_watched(from_dir, from, to_dir, to, st, NULL, f);
}
