/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Paths here are text: nothing is looked up. "Clean" means absolute, no empty, "." or ".."
 * component, no trailing slash.
 */

/**
 * path_clean - collapse slashes and "." components and drop a trailing slash, in place
 *
 * A relative path stays relative; ".." stays: see path_has_dotdot().
 */
void path_clean(char *path);

/** path_has_dotdot - does a component of @path say ".."? */
bool path_has_dotdot(const char *path);

/** path_is_below - is clean @path strictly below clean @dir? Everything but "/" is below "/". */
bool path_is_below(const char *path, const char *dir);

/** path_is_at_or_below - is clean @path equal to clean @dir or below it? */
bool path_is_at_or_below(const char *path, const char *dir);

/**
 * path_compare - order clean paths so that a directory comes right before all that is below it
 *
 * strcmp() would put "/a-b" between "/a" and "/a/b".
 *
 * Returns: as strcmp().
 */
int path_compare(const char *a, const char *b);

/**
 * path_count_before - how many elements of a sorted array come before a path
 * @sorted: @n elements of @size bytes, each beginning with a pointer to its path, in the order of
 *          path_compare()
 *
 * That is the index of the first one at or below @path, if there is one.
 */
size_t path_count_before(const void *sorted, size_t n, size_t size, const char *path);

/**
 * path_is_api - is clean @path at or below a directory that systemd or rofs itself mounts (/proc
 * /sys /dev /run /rofs)?
 */
bool path_is_api(const char *path);
