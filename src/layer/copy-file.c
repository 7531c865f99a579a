/* SPDX-License-Identifier: MIT */
#include "layer/copy-file.h"

#include <fcntl.h>
#include <stdbool.h>

#include "basic/macro.h"
#include "layer/attributes.h"

#define RANGE_MAX  ((off_t)64 * 1024 * 1024)
#define BUFFER_MAX ((off_t)64 * 1024)

/* One file, and where its copy is to be. */
struct job {
	int from_dir;
	const char *from;
	int to_dir;
	const char *to;
	struct failure *failure;
};

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

/* For what copy_file_range(2) does not do: other types of file systems, older kernels. */
static int copy_by_buffer(int from, int to, off_t at, off_t end, struct failure *f)
{
	char buffer[BUFFER_MAX];

	while (at < end) {
		ssize_t n = pread(from, buffer, at_most(end - at, BUFFER_MAX), at);
		int err;

		if (n < 0)
			return failure_note(f, "read");
		if (n == 0)
			return -EIO; /* it has become shorter */
		err = write_at(to, buffer, (size_t)n, at, f);
		if (err < 0)
			return err;
		at += n;
	}
	return 0;
}

static int copy_range(int from, int to, off_t at, off_t end, struct failure *f)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, at_most(end - at, RANGE_MAX), 0);

		if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
			return failure_note(f, FAILURE_WRITE);
		if (n < 0 && errno == EIO)
			return -errno; /* of either file */
		if (n <= 0)
			return copy_by_buffer(from, to, at, end, f);
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

static int copy_content(int from, int to, off_t size, struct failure *f)
{
	off_t begin, end;

	for (off_t at = 0; at < size && next_data(from, size, at, &begin, &end); at = end) {
		int err = copy_range(from, to, begin, end, f);

		if (err < 0)
			return err;
	}
	return ftruncate(to, size) < 0 ? failure_note(f, FAILURE_WRITE) : 0;
}

static int copy_regular(const struct job *j)
{
	_cleanup_close_ int from = -1, to = -1;
	struct stat st;
	int err;

	/* O_NONBLOCK: should it have become a FIFO, nobody waits for a writer. */
	from = openat(j->from_dir, j->from,
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return failure_note(j->failure, "open");
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	to = openat(j->to_dir, j->to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return failure_note(j->failure, FAILURE_CREATE);

	err = copy_content(from, to, st.st_size, j->failure);
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
		return failure_note(j->failure, "read");
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
	to = openat(j->to_dir, j->to, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return failure_note(j->failure, "open the copy of");
	return attributes_copy(from, to, j->failure);
}

int copy_file(int from_dir, const char *from, int to_dir, const char *to, const struct stat *st,
	      struct failure *f)
{
	const struct job j = { from_dir, from, to_dir, to, f };

	return S_ISREG(st->st_mode) ? copy_regular(&j) : copy_unopened(&j, st);
}
