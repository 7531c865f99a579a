/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** struct names - names in a directory, and which of them are directories. All-zero is empty. */
struct names {
	const char **sorted; /* @n of them, pointing into text, in the order of bytes */
	size_t n;
	char *text; /* the type of each, itself, and NUL */
	size_t len, size;
};

/**
 * names_read - read all names in a directory but . and ..
 * @fd:  of the directory, just opened
 * @ret: all-zero; names_done() frees it, also after a failure
 *
 * One call of the kernel sees the directory as it is at one moment. Where several are needed and the
 * directory is changed between them, a file that is renamed meanwhile may be seen under neither name.
 *
 * Returns: 0, 1 when several calls were needed, or -errno. @ret has the names before the error, unless
 * that is -ENOMEM.
 */
int names_read(int fd, struct names *ret);

/** names_add - add a copy of this name; @names->sorted does not have it yet. Returns: 0 or -ENOMEM. */
int names_add(struct names *names, const char *name, bool dir);

/**
 * names_remove - remove from @names->sorted what @others has, as a directory or not in both
 * @others: its sorted is made anew
 *
 * Returns: 0 or -ENOMEM.
 */
int names_remove(struct names *names, struct names *others);
void names_done(struct names *names);
