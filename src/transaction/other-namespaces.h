/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/target.h"

/**
 * other_namespaces_make_ro - let no mount of this file system in another mount namespace be without the flag ro
 * @ret_why: the process whose namespace could not be changed, as a sentence, with -EPERM; the caller frees it
 *
 * A service that started while / was still writable, as it is with rw on the kernel command line, has a copy of that
 * mount in its namespace. What makes / read-only later does not reach it, and with the superblock that copy would
 * become writable. Nobody can have used it: the superblock is read-only now.
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int other_namespaces_make_ro(const struct target *t, char **ret_why);
