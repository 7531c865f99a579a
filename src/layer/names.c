/* SPDX-License-Identifier: MIT */
#include "layer/names.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/macro.h"

#define READ_BYTES 65536u   /* about 2,000 names in one call */
#define TRIES	   4u	    /* to read a directory that is changed meanwhile */
#define TICK	   10000000 /* ns; at least what the kernel's time stamps are rounded to */

void names_done(struct names *names)
{
	free(names->text);
	free((void *)names->sorted);
	*names = (struct names){ 0 };
}

static int add(struct names *l, const char *name)
{
	size_t n = strlen(name) + 1;

	if (l->len + n > l->size) {
		size_t size = 2 * l->size + n + 64;
		char *grown = realloc(l->text, size);

		if (!grown)
			return -ENOMEM;
		l->text = grown;
		l->size = size;
	}
	memcpy(l->text + l->len, name, n);
	l->len += n;
	l->n++;
	return 0;
}

/* The pointers to the names, when no more are added. */
static int index_text(struct names *l)
{
	const char *s = l->text;

	if (l->n == 0)
		return 0;
	l->sorted = calloc(l->n, sizeof(*l->sorted));
	if (!l->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++, s += strlen(s) + 1)
		l->sorted[i] = s;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Several readings have the same names. */
static int sort(struct names *l)
{
	size_t n = 0;
	int err = index_text(l);

	if (err < 0 || l->n == 0)
		return err;
	qsort((void *)l->sorted, l->n, sizeof(*l->sorted), compare);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->sorted[i], l->sorted[n - 1]) != 0)
			l->sorted[n++] = l->sorted[i];
	l->n = n;
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int add_all(struct names *l, const char *buffer, size_t size)
{
	for (size_t at = 0; at < size;) {
		const struct dirent64 *e = (const struct dirent64 *)(const void *)(buffer + at);
		int err = is_dots(e->d_name) ? 0 : add(l, e->d_name);

		if (err < 0)
			return err;
		at += e->d_reclen;
	}
	return 0;
}

/* Returns how many calls it took, or -errno. */
static int read_once(int fd, struct names *l)
{
	_Alignas(struct dirent64) char buffer[READ_BYTES];
	int calls = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;; calls++) {
		ssize_t n = getdents64(fd, buffer, sizeof(buffer));
		int err;

		if (n <= 0)
			return n < 0 ? -errno : calls;
		err = add_all(l, buffer, (size_t)n);
		if (err < 0)
			return err;
	}
}

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* When the directory was changed last; 0 where a change right now might not show in it. */
static int64_t changed_at(int fd)
{
	struct timespec now;
	struct stat st;
	int64_t age;

	if (fstat(fd, &st) < 0 || clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
		return 0;
	age = nanoseconds(&now) - nanoseconds(&st.st_ctim);
	return age > -TICK && age < TICK ? 0 : nanoseconds(&st.st_ctim);
}

static int read_tries(int fd, struct names *l)
{
	for (unsigned i = 0; i < TRIES; i++) {
		static const struct timespec pause = { 0, TICK };
		int64_t before = changed_at(fd);
		int calls = read_once(fd, l);

		if (calls <= 1)
			return calls;
		if (before != 0 && changed_at(fd) == before)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ESTALE;
}

int names_read(int fd, struct names *ret)
{
	int read = read_tries(fd, ret), sorted;

	if (read == -ENOMEM)
		return read;
	sorted = sort(ret);
	return sorted < 0 ? sorted : read < 0 ? read : 0;
}

/* @l becomes the @done first of it and what @fresh has besides. */
static int merge(struct names *l, size_t done, const struct names *fresh)
{
	struct names merged = { 0 };
	int err = 0;

	if (done > 0)
		qsort((void *)l->sorted, done, sizeof(*l->sorted), compare);
	for (size_t i = 0; i < done && err >= 0; i++)
		err = add(&merged, l->sorted[i]);
	for (size_t i = 0; i < fresh->n && err >= 0; i++)
		if (done == 0 ||
		    !bsearch(&fresh->sorted[i], l->sorted, done, sizeof(*l->sorted), compare))
			err = add(&merged, fresh->sorted[i]);
	if (err >= 0)
		err = index_text(&merged);
	if (err < 0) {
		names_done(&merged);
		return err;
	}

	names_done(l);
	*l = merged;
	return 0;
}

int names_again(int fd, struct names *names, size_t done)
{
	_cleanup_(names_done) struct names fresh = { 0 };
	int read = names_read(fd, &fresh), merged;

	if (read == -ENOMEM)
		return read;
	merged = merge(names, done, &fresh);
	return merged < 0 ? merged : read;
}
