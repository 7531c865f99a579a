/* SPDX-License-Identifier: MIT */
#include "layer/compare.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "basic/macro.h"
#include "basic/overlay-attributes.h"
#include "layer/attributes.h"

#define CONTENT_MAX ((off_t)64 * 1024 * 1024) /* seconds on slow flash, and rarely equal */
#define BLOCK	    65536u /* bytes, also XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel */
#define FEW_BYTES   512u   /* the kernel allocates what it is offered: half of the time of a call */
#define FD_PATH_MAX (sizeof("/proc/self/fd//") + 3 * sizeof(int) + NAME_MAX)

/* Since Linux 6.13; glibc has no functions for them. */
#ifndef __NR_listxattrat
#define __NR_getxattrat	 464
#define __NR_listxattrat 465
#endif

/* The names of the extended attributes of a file, but for those of overlayfs, in order. */
struct list {
	char names[BLOCK];
	const char *sorted[BLOCK / 2]; /* a name takes two bytes at least */
	size_t n;
};

struct compare {
	char upper[BLOCK], lower[BLOCK]; /* blocks of files, values, targets */
	struct list upper_list, lower_list;
	bool by_name; /* the kernel has calls that take a directory and a name */
};

static bool is_absent(int err)
{
	return err == -ENODATA || err == -EOPNOTSUPP;
}

static ssize_t list_by_name(int dir_fd, const char *name, char *buffer, size_t size)
{
	return syscall(__NR_listxattrat, dir_fd, name, AT_SYMLINK_NOFOLLOW, buffer, size);
}

static ssize_t get_by_name(int dir_fd, const char *name, const char *attribute, char *buffer,
			   size_t size)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} to = { (uintptr_t)buffer, (uint32_t)size, 0 };

	return syscall(__NR_getxattrat, dir_fd, name, AT_SYMLINK_NOFOLLOW, attribute, &to,
		       sizeof(to));
}

struct compare *compare_new(void)
{
	struct compare *c = malloc(sizeof(*c));

	/* A sandbox that does not know the calls may refuse them with another error. */
	if (c)
		c->by_name = list_by_name(AT_FDCWD, "/", NULL, 0) >= 0 || is_absent(-errno);
	return c;
}

struct compare *compare_free(struct compare *c)
{
	free(c);
	return NULL;
}

int compare_opaque(int upper_fd)
{
	char value;
	ssize_t n = fgetxattr(upper_fd, OVERLAY_ATTRIBUTE_OPAQUE, &value, 1);

	if (n < 0)
		/* A longer value is another one. */
		return is_absent(-errno) || errno == ERANGE ? 0 : -errno;
	return n == 1 && value == 'y';
}

/* A file of a pair. */
struct place {
	int dir_fd;
	const char *name;
	int fd; /* -1: it is not open */
	bool by_name;
};

static void place_done(struct place *p)
{
	closep(&p->fd);
}

static const char *place_path(const struct place *p, char *buffer)
{
	snprintf(buffer, FD_PATH_MAX, "/proc/self/fd/%d/%s", p->dir_fd, p->name);
	return buffer;
}

static ssize_t place_list(const struct place *p, char *buffer, size_t size)
{
	char path[FD_PATH_MAX];

	if (p->fd >= 0)
		return flistxattr(p->fd, buffer, size);
	return p->by_name ? list_by_name(p->dir_fd, p->name, buffer, size) :
			    llistxattr(place_path(p, path), buffer, size);
}

static ssize_t place_get(const struct place *p, const char *name, char *buffer, size_t size)
{
	char path[FD_PATH_MAX];

	if (p->fd >= 0)
		return fgetxattr(p->fd, name, buffer, size);
	return p->by_name ? get_by_name(p->dir_fd, p->name, name, buffer, size) :
			    lgetxattr(place_path(p, path), name, buffer, size);
}

/* O_NONBLOCK: it may have become a FIFO meanwhile, or a socket (ENXIO). Leaves -errno in @p->fd. */
static void place_open(struct place *p)
{
	p->fd = openat(p->dir_fd, p->name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME | O_CLOEXEC);
	if (p->fd < 0)
		p->fd = errno == ENXIO ? -ESTALE : -errno;
}

static int read_whole(int fd, char *buffer, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buffer + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EISDIR ? -ESTALE :
						 -errno; /* a directory has its name now */
		if (n == 0)
			return -ENODATA; /* it has become shorter */
		len += (size_t)n;
	}
	return 0;
}

void compare_ahead(const struct compare_pair *p)
{
	_cleanup_(place_done) struct place lower = { p->lower_dir, p->name, -1, false };

	place_open(&lower);
	if (lower.fd >= 0)
		(void)posix_fadvise(lower.fd, 0, BLOCK, POSIX_FADV_WILLNEED);
}

/* The same for both. A file that became shorter while it was read is different. */
static int compare_block(struct compare *c, int upper, int lower, size_t n)
{
	int a = read_whole(upper, c->upper, n), b = read_whole(lower, c->lower, n);

	if (a == -ENODATA || b == -ENODATA)
		return 1;
	if (a < 0 || b < 0)
		return a < 0 ? a : b;
	return memcmp(c->upper, c->lower, n) != 0;
}

/*
 * Goes on where one of the files has data: the content may be a hole of terabytes. Returns the number of bytes that are
 * left; 0: no data comes.
 */
static off_t skip_hole(int upper, int lower, off_t left)
{
	off_t at = lseek(upper, 0, SEEK_CUR), end = at + left;
	off_t a = lseek(upper, at, SEEK_DATA), b = lseek(lower, at, SEEK_DATA), next;

	/* ENXIO: only a hole is left. */
	a = a < 0 ? end : a;
	b = b < 0 ? end : b;
	next = a < b ? a : b;
	if (next >= end)
		return 0;
	if (lseek(upper, next, SEEK_SET) < 0 || lseek(lower, next, SEEK_SET) < 0)
		return -errno;
	return end - next;
}

/* Returns 1 when they differ, 0 when not, or -errno. */
static int compare_large(struct compare *c, int upper, int lower, off_t left)
{
	if (upper < 0 || lower < 0)
		return upper < 0 ? upper : lower;

	while ((left = skip_hole(upper, lower, left)) > 0) {
		size_t n = left < (off_t)BLOCK ? (size_t)left : BLOCK;
		int different = compare_block(c, upper, lower, n);

		if (different != 0)
			return different;
		left -= (off_t)n;
	}
	return (int)left;
}

/* As compare_large(), of all bytes. */
static int compare_bytes(struct compare *c, int upper, int lower, off_t size)
{
	if (upper < 0 || lower < 0)
		return upper < 0 ? upper : lower;

	while (size > 0) {
		size_t n = size < (off_t)BLOCK ? (size_t)size : BLOCK;
		int different = compare_block(c, upper, lower, n);

		if (different != 0)
			return different;
		size -= (off_t)n;
	}
	return 0;
}

/* It was a link: EINVAL says that it no longer is. */
static ssize_t read_target(int dir_fd, const char *name, char *buffer)
{
	ssize_t n = readlinkat(dir_fd, name, buffer, BLOCK);

	return n >= 0 ? n : errno == EINVAL ? -ESTALE : -errno;
}

/* As compare_bytes(). */
static int compare_target(struct compare *c, const struct compare_pair *p)
{
	ssize_t a, b;

	a = read_target(p->upper_dir, p->name, c->upper);
	if (a < 0)
		return (int)a;
	b = read_target(p->lower_dir, p->name, c->lower);
	if (b < 0)
		return (int)b;
	return a != b || memcmp(c->upper, c->lower, (size_t)a) != 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Returns -E2BIG when the kernel lists no names, as there are too many: any user can give a file so many in RAM. */
static int list_xattrs(const struct place *p, struct list *ret)
{
	ssize_t n = place_list(p, ret->names, FEW_BYTES);

	if (n < 0 && errno == ERANGE)
		n = place_list(p, ret->names, sizeof(ret->names));
	if (n < 0 && errno != EOPNOTSUPP)
		return errno == ERANGE ? -E2BIG : -errno;
	ret->n = 0;
	for (const char *s = ret->names; n > 0 && s < ret->names + n; s += strlen(s) + 1)
		if (!attributes_is_of_overlay(s))
			ret->sorted[ret->n++] = s;
	/* There may be thousands, and the two file systems list them in orders of their own. */
	qsort((void *)ret->sorted, ret->n, sizeof(*ret->sorted), compare_names);
	return 0;
}

static unsigned bit_of(const char *name)
{
	return attributes_is_acl(name) ? CHANGE_ACL : CHANGE_XATTR;
}

/* As compare_bytes(). An attribute that is gone meanwhile differs. */
static int compare_value(struct compare *c, const struct place *upper, const struct place *lower,
			 const char *name)
{
	ssize_t a, b;

	a = place_get(upper, name, c->upper, sizeof(c->upper));
	if (a < 0)
		return is_absent(-errno) ? 1 : -errno;
	b = place_get(lower, name, c->lower, sizeof(c->lower));
	if (b < 0)
		return is_absent(-errno) ? 1 : -errno;
	return a != b || memcmp(c->upper, c->lower, (size_t)a) != 0;
}

static int compare_lists(struct compare *c, const struct place *upper, const struct place *lower,
			 unsigned *ret)
{
	const struct list *ul = &c->upper_list, *ll = &c->lower_list;
	size_t i = 0, j = 0;

	while (i < ul->n || j < ll->n) {
		int order = i == ul->n ? 1 : j == ll->n ? -1 : strcmp(ul->sorted[i], ll->sorted[j]);
		const char *name = order <= 0 ? ul->sorted[i] : ll->sorted[j];
		int different = order != 0 ? 1 : compare_value(c, upper, lower, name);

		if (different < 0)
			return different;
		*ret |= different ? bit_of(name) : 0;
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

static int compare_xattrs(struct compare *c, const struct place *upper, const struct place *lower,
			  unsigned *ret)
{
	int err = list_xattrs(lower, &c->lower_list);

	if (err < 0)
		return err;
	err = list_xattrs(upper, &c->upper_list);
	if (err == -E2BIG) { /* more than the other one has, of which all are listed */
		*ret |= CHANGE_XATTR;
		return 0;
	}
	return err < 0 ? err : compare_lists(c, upper, lower, ret);
}

static void set_content(struct change_facts *f, enum change_unread what, int different)
{
	if (different < 0) {
		f->content = CHANGE_CONTENT_UNKNOWN;
		change_set_unread(f, what, different);
		return;
	}
	f->content = different ? CHANGE_CONTENT_DIFFERENT : CHANGE_CONTENT_SAME;
}

static void answer_mark(const struct place *upper, struct change_facts *f)
{
	f->mark = place_get(upper, OVERLAY_ATTRIBUTE_WHITEOUT, NULL, 0) >= 0;
	if (!f->mark && !is_absent(-errno))
		change_set_unread(f, CHANGE_UNREAD_ATTRIBUTES, -errno);
}

static void answer_large(struct compare *c, int upper, int lower, unsigned ask,
			 struct change_facts *f)
{
	f->content = CHANGE_CONTENT_UNKNOWN;
	if (ask & CHANGE_ASK_LARGE)
		set_content(f, CHANGE_UNREAD_CONTENT,
			    compare_large(c, upper, lower, f->upper->st_size));
}

void compare_answer(struct compare *c, const struct compare_pair *p, unsigned ask,
		    struct change_facts *f)
{
	_cleanup_(place_done) struct place upper = { p->upper_dir, p->name, -1, c->by_name },
					   lower = { p->lower_dir, p->name, -1, c->by_name };
	/* On open files, all takes less than half of the time that it takes by path. */
	bool open = (ask & CHANGE_ASK_CONTENT) || !c->by_name;
	int err;

	if (open && (ask & (CHANGE_ASK_MARK | CHANGE_ASK_XATTRS)) && S_ISREG(f->upper->st_mode))
		place_open(&upper);
	if (ask & CHANGE_ASK_MARK)
		answer_mark(&upper, f);
	if (f->mark)
		return;
	if (open && f->lower && S_ISREG(f->upper->st_mode) && S_ISREG(f->lower->st_mode))
		place_open(&lower);

	if ((ask & CHANGE_ASK_CONTENT) && f->upper->st_size > CONTENT_MAX)
		answer_large(c, upper.fd, lower.fd, ask, f);
	else if (ask & CHANGE_ASK_CONTENT)
		set_content(f, CHANGE_UNREAD_CONTENT,
			    compare_bytes(c, upper.fd, lower.fd, f->upper->st_size));
	if (ask & CHANGE_ASK_TARGET)
		set_content(f, CHANGE_UNREAD_TARGET, compare_target(c, p));
	err = ask & CHANGE_ASK_XATTRS ? compare_xattrs(c, &upper, &lower, &f->xattrs) : 0;
	if (err < 0)
		change_set_unread(f, CHANGE_UNREAD_ATTRIBUTES, err);
}
