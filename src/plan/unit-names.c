/* SPDX-License-Identifier: MIT */
#include "plan/unit-names.h"

#include <stdlib.h>
#include <string.h>

#include "basic/text.h"

int unit_names_add(struct unit_names *names, char *name)
{
	_cleanup_free_ char *owned = name;

	if (!name || array_reserve(names->list, names->n) < 0)
		return -ENOMEM;
	names->list[names->n++] = TAKE_PTR(owned);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void unit_names_sort(struct unit_names *names)
{
	size_t kept = 0;

	if (names->n > 0)
		qsort(names->list, names->n, sizeof(*names->list), compare);
	for (size_t i = 0; i < names->n; i++) {
		if (kept > 0 && strcmp(names->list[kept - 1], names->list[i]) == 0)
			free(names->list[i]);
		else
			names->list[kept++] = names->list[i];
	}
	names->n = kept;
}

bool unit_names_has(const struct unit_names *names, const char *name)
{
	return names->n > 0 && bsearch(&name, names->list, names->n, sizeof(*names->list), compare);
}

void unit_names_done(struct unit_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct unit_names){ 0 };
}
