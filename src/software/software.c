/* SPDX-License-Identifier: MIT */
#include "software/software.h"

#include <string.h>

#include "software/table.h"

const struct software *software_get(size_t i)
{
	const struct software_list *const parts[] = {
		&software_containers,
		&software_databases,
		&software_services,
	};

	for (size_t j = 0; j < ELEMENTSOF(parts); j++) {
		if (i < parts[j]->n)
			return &parts[j]->list[i];
		i -= parts[j]->n;
	}
	return NULL;
}

bool software_file_counts(const char *suffix, const char *name)
{
	size_t n = strlen(name), m = suffix ? strlen(suffix) : 0;

	return !suffix || (n >= m && strcmp(name + n - m, suffix) == 0 && !strchr(name, '@'));
}
