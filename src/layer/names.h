/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/** struct names - the names in a directory, in the order of bytes. All-zero is empty. */
struct names {
	char **sorted; /* @n of them, pointing into text */
	size_t n;
	char *text; /* all names, NUL behind each */
	size_t len, size;
};

/**
 * names_read - read all names in a directory but . and ..
 * @fd:  of the directory; it is closed. -errno is returned as it is.
 * @ret: all-zero; names_done() frees it, also after a failure
 *
 * Returns: 0 or -errno. With an error of the medium, @ret has the names before it.
 */
int names_read(int fd, struct names *ret);
void names_done(struct names *names);
