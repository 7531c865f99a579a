/* SPDX-License-Identifier: MIT */
#include "layer/names.h"

#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"

void names_done(struct names *names)
{
	free(names->text);
	free((void *)names->sorted);
	*names = (struct names){ 0 };
}

static int add(void *data, const char *name)
{
	struct names *l = data;
	size_t n = strlen(name) + 1;

	if (l->len + n > l->size) {
		size_t size = 2 * l->size + n + 1024;
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

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sort(struct names *l)
{
	char *s = l->text;

	if (l->n == 0)
		return 0;
	l->sorted = calloc(l->n, sizeof(*l->sorted));
	if (!l->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++, s += strlen(s) + 1)
		l->sorted[i] = s;
	qsort((void *)l->sorted, l->n, sizeof(*l->sorted), compare);
	return 0;
}

int names_read(int fd, struct names *ret)
{
	int read = each_name(fd, add, ret), sorted = sort(ret);

	return sorted < 0 ? sorted : read;
}
