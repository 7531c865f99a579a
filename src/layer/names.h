/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/** struct names - the names in a directory, in the order of bytes. All-zero is empty. */
struct names {
	const char **sorted; /* @n of them, pointing into text */
	size_t n;
	char *text; /* all names, NUL behind each */
	size_t len, size;
};

/**
 * names_read - read all names in a directory but . and ..
 * @fd:  of the directory; read from its beginning
 * @ret: all-zero; names_done() frees it, also after a failure
 *
 * One call of the kernel sees the directory as it is at one moment. Where several are needed and the
 * directory is changed between them, a file that is renamed meanwhile may be seen under neither name:
 * it is then read again, a few times, and @ret has all names that were seen.
 *
 * Returns: 0 or -errno; -ESTALE when it was changed each time. @ret has the names nevertheless, unless
 * that is -ENOMEM.
 */
int names_read(int fd, struct names *ret);

/**
 * names_again - read the directory again, for what is new
 * @names: replaced by the first @done of it and, behind these, all others that the directory has now
 *
 * Returns: as names_read(); with -ENOMEM @names is as before.
 */
int names_again(int fd, struct names *names, size_t done);
void names_done(struct names *names);
