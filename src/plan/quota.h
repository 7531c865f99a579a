/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/strbuf.h"

/*
 * Options that switch quota on. On a file system that stays read-only there is nothing to count, and
 * quotaon(8), which systemd runs because of them, fails at each boot: it cannot write.
 *
 * Sources: ext4(5), xfs(5); Linux, Documentation/filesystems/f2fs.rst and tmpfs.rst.
 */

/** quota_is_option - is this word, @n bytes long, one of them? */
bool quota_is_option(const char *word, size_t n);

/** quota_has_options - is any among the comma-separated options? */
bool quota_has_options(const char *options);

/** quota_add_options - add them to @b, separated by commas */
void quota_add_options(struct strbuf *b, const char *options);
