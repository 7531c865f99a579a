/* SPDX-License-Identifier: MIT */
#include "layer/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macro.h"
#include "layer/attributes.h"

#define OPEN_DIR   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RANGE_MAX  ((size_t)64 * 1024 * 1024)
#define BUFFER_MAX ((size_t)64 * 1024)

/* A directory between the top of the tree and the place where the walk is. */
struct frame {
	char *name;
	dev_t dev, to_dev;
	ino_t ino, to_ino;
	char **subdirs; /* not yet visited: those below next are done */
	size_t n_subdirs, next;
};

/* A file with more than one name. */
struct inode {
	dev_t dev;
	ino_t ino;
	unsigned id;   /* its name in the directory for links */
	nlink_t names; /* that have not been seen yet */
};

struct walk {
	const struct ops *ops;
	int fd;	   /* the directory where the walk is */
	int to_fd; /* its copy; -1 where nothing is copied */
	int links_fd;
	struct frame *frames;
	size_t n_frames;
	void *inodes; /* tsearch(3) root: struct inode */
	unsigned n_inodes;
	char at[NAME_MAX + 1]; /* the entry that is being worked on; "": the directory itself */
	uint64_t block;
	struct copy_size size;
};

/* What is done with a tree. Each returns 0 or -errno, and may be NULL. */
struct ops {
	int (*file)(struct walk *w, const char *name, const struct stat *st);
	/* A directory in the current one. Sets @ret_fd to its copy. */
	int (*enter)(struct walk *w, const char *name, int *ret_fd);
	/* All of the current one is done. */
	int (*leave)(struct walk *w);
	/* The walk is back from the directory @name of the current one. */
	int (*left)(struct walk *w, const char *name);
};

static void frame_done(struct frame *f)
{
	for (size_t i = f->next; i < f->n_subdirs; i++)
		free(f->subdirs[i]);
	free(f->subdirs);
	free(f->name);
}

static void walk_done(struct walk *w)
{
	while (w->n_frames > 0)
		frame_done(&w->frames[--w->n_frames]);
	free(w->frames);
	tdestroy(w->inodes, free);
	closep(&w->fd);
	closep(&w->to_fd);
}

static int compare_inode(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* @ret: what is known of the file with this stat. Returns 1 if it is seen for the first time. */
static int find_inode(struct walk *w, const struct stat *st, struct inode **ret)
{
	struct inode *new = malloc(sizeof(*new));
	struct inode **found;

	if (!new)
		return -ENOMEM;
	*new = (struct inode){ st->st_dev, st->st_ino, w->n_inodes, st->st_nlink };
	found = tsearch(new, &w->inodes, compare_inode);
	if (!found || *found != new)
		free(new);
	if (!found)
		return -ENOMEM;

	*ret = *found;
	if (*found != new)
		return 0;
	w->n_inodes++;
	return 1;
}

/* Copied, since it is told when the name's owner is gone. */
static void set_at(struct walk *w, const char *name)
{
	snprintf(w->at, sizeof(w->at), "%s", name);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int add_subdir(struct frame *f, const char *name)
{
	char *copy;

	if (array_reserve(f->subdirs, f->n_subdirs) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;

	f->subdirs[f->n_subdirs++] = copy;
	return 0;
}

static int visit(struct walk *w, const char *name)
{
	struct stat st;

	set_at(w, name);
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return add_subdir(&w->frames[w->n_frames - 1], name);
	return w->ops->file(w, name, &st);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The files of the current directory; its directories are noted for later. */
static int visit_all(struct walk *w)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	_cleanup_close_ int fd = openat(w->fd, ".", OPEN_DIR);
	struct dirent *e;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);

	while ((errno = 0, e = readdir(dir))) {
		int err = is_dots(e->d_name) ? 0 : visit(w, e->d_name);

		if (err < 0)
			return err;
	}
	set_at(w, "");
	return -errno;
}

/* The walk goes on in @fd and its copy @to_fd, which it takes over. */
static int descend(struct walk *w, const char *name, int fd, int to_fd)
{
	struct stat st, to = { 0 };
	struct frame *f;

	closep(&w->fd);
	closep(&w->to_fd);
	w->fd = fd;
	w->to_fd = to_fd;
	if (fstat(fd, &st) < 0 || (to_fd >= 0 && fstat(to_fd, &to) < 0))
		return -errno;
	if (array_reserve(w->frames, w->n_frames) < 0)
		return -ENOMEM;

	f = &w->frames[w->n_frames];
	*f = (struct frame){ strdup(name), st.st_dev, to.st_dev, st.st_ino, to.st_ino, NULL, 0, 0 };
	if (!f->name)
		return -ENOMEM;
	w->n_frames++;
	return visit_all(w);
}

static int enter(struct walk *w, const char *name)
{
	_cleanup_close_ int fd = -1, to_fd = -1;
	int err;

	set_at(w, name);
	fd = openat(w->fd, name, OPEN_DIR);
	if (fd < 0)
		return -errno;
	err = w->ops->enter ? w->ops->enter(w, name, &to_fd) : 0;
	if (err < 0)
		return err;
	return descend(w, name, TAKE_FD(fd), TAKE_FD(to_fd));
}

/* Replaces @fd by the directory above it, if that is the one the walk came from. */
static int step_up(int *fd, dev_t dev, ino_t ino)
{
	_cleanup_close_ int up = openat(*fd, "..", OPEN_DIR);
	struct stat st;

	if (up < 0 || fstat(up, &st) < 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE; /* somebody moved the tree */
	closep(fd);
	*fd = TAKE_FD(up);
	return 0;
}

static int ascend(struct walk *w)
{
	struct frame *f = &w->frames[w->n_frames - 2];
	_cleanup_free_ char *name = NULL;
	int err;

	err = step_up(&w->fd, f->dev, f->ino);
	if (err >= 0 && w->to_fd >= 0)
		err = step_up(&w->to_fd, f->to_dev, f->to_ino);
	if (err < 0)
		return err;

	name = TAKE_PTR(w->frames[w->n_frames - 1].name);
	frame_done(&w->frames[--w->n_frames]);
	set_at(w, name);
	err = w->ops->left ? w->ops->left(w, name) : 0;
	if (err >= 0)
		set_at(w, "");
	return err;
}

/* Everything below the directory where the walk has begun. */
static int walk_on(struct walk *w)
{
	for (;;) {
		struct frame *f = &w->frames[w->n_frames - 1];
		int err;

		if (f->next < f->n_subdirs) {
			_cleanup_free_ char *name = f->subdirs[f->next++];

			err = enter(w, name);
			if (err >= 0)
				continue;
			return err;
		}
		err = w->ops->leave ? w->ops->leave(w) : 0;
		if (err < 0)
			return err;
		if (w->n_frames == 1)
			return 0;
		err = ascend(w);
		if (err < 0)
			return err;
	}
}

/* All of what is named, be it one file or a tree. */
static int walk_all(struct walk *w, int dir_fd, const char *name)
{
	struct stat st;
	int err;

	w->fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (w->fd < 0 || fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return w->ops->file(w, name, &st);

	err = enter(w, name);
	return err < 0 ? err : walk_on(w);
}

static int measure_file(struct walk *w, const char *name _unused_, const struct stat *st)
{
	uint64_t stored = (uint64_t)st->st_blocks * 512, size = (uint64_t)st->st_size;
	struct inode *inode;
	int new = 1;

	if (S_ISSOCK(st->st_mode))
		return 0;
	if (st->st_nlink > 1)
		new = find_inode(w, st, &inode);
	if (new <= 0)
		return new;

	w->size.inodes++;
	if (!S_ISREG(st->st_mode))
		return 0;
	/* A file with holes stores less than its size; one of a few bytes may store a block. */
	if (stored < size)
		size = stored;
	w->size.bytes += (size + w->block - 1) / w->block * w->block;
	return 0;
}

static int measure_directory(struct walk *w)
{
	w->size.inodes++;
	w->size.bytes += w->block;
	return 0;
}

int copy_measure(int dir_fd, const char *name, uint64_t block, struct copy_size *ret)
{
	static const struct ops ops = { .file = measure_file, .leave = measure_directory };
	_cleanup_(walk_done) struct walk w = {
		.ops = &ops, .fd = -1, .to_fd = -1, .links_fd = -1, .block = block ? block : 1
	};
	int err = walk_all(&w, dir_fd, name);

	if (err < 0)
		return err;
	*ret = w.size;
	return 0;
}

/* For what copy_file_range(2) does not do: other types of file systems, older kernels. */
static int copy_by_buffer(int from, int to, off_t at, off_t end)
{
	char buffer[BUFFER_MAX];

	while (at < end) {
		size_t want = (size_t)(end - at) < sizeof(buffer) ? (size_t)(end - at) :
								    sizeof(buffer);
		ssize_t n = pread(from, buffer, want, at), m;

		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* it has become shorter */
		for (ssize_t done = 0; done < n; done += m) {
			m = pwrite(to, buffer + done, (size_t)(n - done), at + done);
			if (m <= 0)
				return m < 0 ? -errno : -EIO;
		}
		at += n;
	}
	return 0;
}

static int copy_range(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		size_t want = (size_t)(end - at) < RANGE_MAX ? (size_t)(end - at) : RANGE_MAX;
		ssize_t n = copy_file_range(from, &in, to, &out, want, 0);

		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return -errno;
		if (n <= 0)
			return copy_by_buffer(from, to, at, end);
		at += n;
	}
	return 0;
}

/* Holes stay holes where the file system can tell where they are. */
static int copy_content(int from, int to, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA), hole;
		int err;

		if (data < 0 && errno == ENXIO)
			break; /* nothing but a hole up to the end */
		hole = data < 0 ? size : lseek(from, data, SEEK_HOLE);
		if (data < 0)
			data = at;
		if (hole < 0 || hole > size)
			hole = size;
		err = copy_range(from, to, data, hole);
		if (err < 0)
			return err;
		at = hole;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_regular(struct walk *w, const char *from_name, const char *name)
{
	/* O_NONBLOCK: should it have become a FIFO, nobody waits for a writer. */
	_cleanup_close_ int from = openat(w->fd, from_name,
					  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
						  O_CLOEXEC),
			    to = -1;
	struct stat st;
	int err;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	to = openat(w->to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;

	err = copy_content(from, to, st.st_size);
	return err < 0 ? err : attributes_copy(from, to);
}

static int copy_target(struct walk *w, const char *from_name, const char *name, off_t size)
{
	_cleanup_free_ char *target = malloc((size_t)size + 2);
	ssize_t n;

	if (!target)
		return -ENOMEM;
	n = readlinkat(w->fd, from_name, target, (size_t)size + 1);
	if (n < 0)
		return -errno;
	if (n > size)
		return -ESTALE;
	target[n] = '\0';
	return symlinkat(target, w->to_fd, name) < 0 ? -errno : 0;
}

/* Symbolic links, device nodes and FIFOs: what cannot or must not be opened. */
static int copy_unopened(struct walk *w, const char *from_name, const char *name,
			 const struct stat *st)
{
	_cleanup_close_ int from = -1, to = -1;
	int err = 0;

	if (S_ISLNK(st->st_mode))
		err = copy_target(w, from_name, name, st->st_size);
	else if (mknodat(w->to_fd, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0)
		err = -errno;
	if (err < 0)
		return err;

	from = openat(w->fd, from_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = openat(w->to_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : attributes_copy(from, to);
}

static int copy_new(struct walk *w, const char *from_name, const char *name, const struct stat *st)
{
	return S_ISREG(st->st_mode) ? copy_regular(w, from_name, name) :
				      copy_unopened(w, from_name, name, st);
}

/*
 * A file with several names is copied for the first of them, and gets a name in the directory for
 * links: there it is found again from anywhere in the tree.
 */
static int copy_linked(struct walk *w, const char *name, const struct stat *st)
{
	struct inode *inode;
	char id[16];
	int new = find_inode(w, st, &inode);

	if (new < 0)
		return new;
	if (inode->names == 0)
		return copy_new(w, name, name, st); /* more names than it said */
	snprintf(id, sizeof(id), "%u", inode->id);
	inode->names--;
	if (new) {
		int err = copy_new(w, name, name, st);

		if (err < 0)
			return err;
		return linkat(w->to_fd, name, w->links_fd, id, 0) < 0 ? -errno : 0;
	}
	/* The last one takes that name: no file ever has more names than its original may have. */
	if (inode->names == 0)
		return renameat(w->links_fd, id, w->to_fd, name) < 0 ? -errno : 0;
	return linkat(w->links_fd, id, w->to_fd, name, 0) < 0 ? -errno : 0;
}

static int copy_entry(struct walk *w, const char *name, const struct stat *st)
{
	if (S_ISSOCK(st->st_mode))
		return 0;
	return st->st_nlink > 1 ? copy_linked(w, name, st) : copy_new(w, name, name, st);
}

static int make_copy_of_directory(struct walk *w, const char *name, int *ret_fd)
{
	int fd;

	if (mkdirat(w->to_fd, name, 0700) < 0)
		return -errno;
	fd = openat(w->to_fd, name, OPEN_DIR);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* When all is in it, since that changes its time. */
static int finish_copy_of_directory(struct walk *w)
{
	return attributes_copy(w->fd, w->to_fd);
}

/* Any byte may be in a name, and a line of the journal must stay one line. */
static void add_name(FILE *f, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < ' ' || c == 0x7f || c == '\\')
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static char *where_is(const struct walk *w)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	/* The first directory is the one the caller knows. */
	for (size_t i = 1; i < w->n_frames; i++) {
		fputc('/', f);
		add_name(f, w->frames[i].name);
	}
	if (*w->at && w->n_frames > 0) {
		fputc('/', f);
		add_name(f, w->at);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int copy_tree(struct walk *w, int from_fd, const char *from, int to_fd, const char *to)
{
	_cleanup_close_ int fd = -1, copy_fd = -1;
	int err;

	fd = openat(from_fd, from, OPEN_DIR);
	if (fd < 0)
		return -errno;
	if (mkdirat(to_fd, to, 0700) < 0)
		return -errno;
	copy_fd = openat(to_fd, to, OPEN_DIR);
	if (copy_fd < 0)
		return -errno;

	err = descend(w, from, TAKE_FD(fd), TAKE_FD(copy_fd));
	return err < 0 ? err : walk_on(w);
}

static int copy_single(struct walk *w, int from_fd, const char *from, int to_fd, const char *to,
		       const struct stat *st)
{
	w->fd = fcntl(from_fd, F_DUPFD_CLOEXEC, 3);
	w->to_fd = w->fd < 0 ? -1 : fcntl(to_fd, F_DUPFD_CLOEXEC, 3);
	if (w->to_fd < 0)
		return -errno;
	return copy_new(w, from, to, st);
}

int copy_all(int from_fd, const char *from, int to_fd, const char *to, int links_fd,
	     char **ret_where)
{
	static const struct ops ops = { .file = copy_entry,
					.enter = make_copy_of_directory,
					.leave = finish_copy_of_directory };
	_cleanup_(walk_done) struct walk w = {
		.ops = &ops, .fd = -1, .to_fd = -1, .links_fd = links_fd
	};
	struct stat st;
	int err;

	*ret_where = NULL;
	if (fstatat(from_fd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	err = S_ISDIR(st.st_mode) ? copy_tree(&w, from_fd, from, to_fd, to) :
				    copy_single(&w, from_fd, from, to_fd, to, &st);
	if (err < 0)
		*ret_where = where_is(&w);
	return err;
}

static int remove_file(struct walk *w, const char *name, const struct stat *st _unused_)
{
	return unlinkat(w->fd, name, 0) < 0 ? -errno : 0;
}

static int remove_directory(struct walk *w, const char *name)
{
	return unlinkat(w->fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int copy_remove(int dir_fd, const char *name)
{
	static const struct ops ops = { .file = remove_file, .left = remove_directory };
	_cleanup_(walk_done) struct walk w = { .ops = &ops, .fd = -1, .to_fd = -1, .links_fd = -1 };
	int err = walk_all(&w, dir_fd, name);

	if (err == -ENOENT && w.n_frames == 0)
		return 0;
	if (err < 0 || w.n_frames == 0)
		return err;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
