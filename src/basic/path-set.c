/* SPDX-License-Identifier: MIT */
#include "basic/path-set.h"

#include <errno.h>
#include <search.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int path_set_add(struct path_set *s, const char *path)
{
	char *copy = strdup(path), **found = copy ? tsearch(copy, &s->tree, compare) : NULL;

	if (!found || *found != copy)
		free(copy);
	return found ? 0 : -ENOMEM;
}

bool path_set_has(const struct path_set *s, const char *path)
{
	return tfind(path, &s->tree, compare) != NULL;
}

void path_set_done(struct path_set *s)
{
	tdestroy(s->tree, free);
	*s = (struct path_set){ 0 };
}
