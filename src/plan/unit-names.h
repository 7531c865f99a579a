/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** struct unit_names - of units, or of links to them; owned */
struct unit_names {
	char **list;
	size_t n;
};

/** unit_names_add - takes @name over, also on failure; NULL is a failure. Returns: 0 or -ENOMEM. */
int unit_names_add(struct unit_names *names, char *name);

/** unit_names_sort - after the last one was added; those that are there twice are dropped */
void unit_names_sort(struct unit_names *names);

/** unit_names_has - of sorted ones */
bool unit_names_has(const struct unit_names *names, const char *name);
void unit_names_done(struct unit_names *names);

#define _cleanup_unit_names_ _cleanup_(unit_names_done)
