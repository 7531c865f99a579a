/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "layer/upper.h"

/*
 * The files that rofs-prepare itself makes in upper layers, as opposed to changes of the system;
 * rofs-prepare(8).
 */

#define MACHINE_ID_LETTERS 32u /* machine-id(5) */
/* The beginning of .updated in /etc and /var if rofs-prepare made it; systemd's is different. */
#define MADE_BY_ROFS_UPDATED_HEAD "# Made by rofs-prepare:"

/**
 * machine_id_read - read a machine-id file
 * @name: below @dir_fd; links are followed
 * @ret:  the ID; set when it is valid
 *
 * Returns: 0, -EINVAL (empty, or "uninitialized"), or another -errno.
 */
int machine_id_read(int dir_fd, const char *name, char ret[static MACHINE_ID_LETTERS + 1]);

/**
 * made_by_transactions - is @name in this lower directory what commits leave on a file system?
 *
 * A directory in the root directory of the file system that belongs to root, and that only root can enter.
 */
bool made_by_transactions(int lower_dir, const char *name);

/**
 * made_by_rofs - has rofs-prepare made this entry?
 *
 * These are /etc/machine-id, unless the lower layer has a valid one, .updated in /etc and /var
 * until systemd replaces them, and what hides a directory of transactions.
 */
bool made_by_rofs(const struct upper_entry *e);
