/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "system/rootfs.h"

/** struct home - a user's home directory; strings owned */
struct home {
	char *user;	/* login name */
	char *uid;	/* as text; "" if it is not known */
	char *dir;	/* clean */
	bool is_closed; /* its shell is no shell */
};

/** struct homes - of users in /etc/passwd, and other directories in /home. All-zero is empty. */
struct homes {
	struct home *items;
	size_t n;
};

/**
 * homes_read - read who has a home directory
 *
 * Without those of the system: only directories that exist count, and neither / nor API paths do.
 *
 * Returns: 0, also where /etc/passwd cannot be read, or -ENOMEM.
 */
int homes_read(const struct rootfs *r, struct homes *ret);
void homes_done(struct homes *h);

/**
 * home_is_login - does a person log in there?
 *
 * Home directories of users that /etc/passwd does not know are in /home. root counts.
 */
bool home_is_login(const struct home *h);

/** homes_find - the home directory of this user, or NULL */
const struct home *homes_find(const struct homes *h, const char *user);

#define _cleanup_homes_ _cleanup_(homes_done)
