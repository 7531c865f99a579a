/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

/* Who has called a command, for rofs log. */

/** caller_uid - who typed sudo (SUDO_UID; sudo(8)), or the user */
uid_t caller_uid(void);

/** caller_name - the name of the same one, NULL if the environment does not have it */
const char *caller_name(void);

/**
 * caller_command - the command as it was typed
 * @argv: of a verb
 * @ret:  the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int caller_command(int argc, char **argv, char **ret);
