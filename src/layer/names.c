/* SPDX-License-Identifier: MIT */
#include "layer/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "basic/macro.h"

#define READ_BYTES 131072u /* about 4,000 names in one call */

void names_done(struct names *names)
{
	free(names->text);
	free((void *)names->sorted);
	*names = (struct names){ 0 };
}

int names_add(struct names *l, const char *name, bool dir)
{
	size_t n = strlen(name) + 2;

	if (l->len + n > l->size) {
		size_t size = 2 * l->size + n + 64;
		char *grown = realloc(l->text, size);

		if (!grown)
			return -ENOMEM;
		l->text = grown;
		l->size = size;
	}
	l->text[l->len] = dir ? 'd' : '-';
	memcpy(l->text + l->len + 1, name, n - 1);
	l->len += n;
	l->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	int order = strcmp(x, y);

	return order != 0 ? order : x[-1] - y[-1];
}

/* The pointers to the names, of which none is added any more. */
static int sort(struct names *l)
{
	const char *s = l->text;

	if (l->n == 0)
		return 0;
	free((void *)l->sorted);
	l->sorted = calloc(l->n, sizeof(*l->sorted));
	if (!l->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++, s += strlen(s) + 1)
		l->sorted[i] = s + 1;
	qsort((void *)l->sorted, l->n, sizeof(*l->sorted), compare);
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
		int err = is_dots(e->d_name) ? 0 : names_add(l, e->d_name, e->d_type == DT_DIR);

		if (err < 0)
			return err;
		at += e->d_reclen;
	}
	return 0;
}

/* Returns how many calls it took, without the last, which finds nothing; or -errno. */
static int read_all(int fd, struct names *l)
{
	_Alignas(struct dirent64) char buffer[READ_BYTES];

	for (int calls = 0;; calls++) {
		ssize_t n = getdents64(fd, buffer, sizeof(buffer));
		int err;

		if (n <= 0)
			return n < 0 ? -errno : calls;
		err = add_all(l, buffer, (size_t)n);
		if (err < 0)
			return err;
	}
}

/* A name that moves in the directory while it is read may be there twice. */
static void drop_repeated(struct names *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->sorted[i], l->sorted[n - 1]) != 0)
			l->sorted[n++] = l->sorted[i];
	l->n = n;
}

int names_read(int fd, struct names *ret)
{
	int calls, err;

	/* Who only looks need not write, but only the owner and root may choose. */
	fcntl(fd, F_SETFL, O_NOATIME);
	calls = read_all(fd, ret);
	if (calls == -ENOMEM)
		return calls;
	err = sort(ret);
	if (err < 0)
		return err;
	drop_repeated(ret);
	return calls < 0 ? calls : calls > 1;
}

int names_remove(struct names *l, struct names *others)
{
	size_t n = 0;
	int err = sort(others);

	if (err < 0)
		return err;
	for (size_t i = 0; i < l->n; i++)
		if (others->n == 0 || !bsearch(&l->sorted[i], others->sorted, others->n,
					       sizeof(*others->sorted), compare))
			l->sorted[n++] = l->sorted[i];
	l->n = n;
	return 0;
}
