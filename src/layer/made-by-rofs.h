/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "layer/upper.h"

/*
 * What rofs-prepare itself puts into upper layers, so that a change of the system can be told from
 * it. rofs-prepare(8) says why they are there.
 */

#define MACHINE_ID_LETTERS 32u /* machine-id(5) */
/* How the .updated of /etc and /var begins when it is ours; systemd's begins otherwise. */
#define MADE_BY_ROFS_UPDATED_HEAD "# Made by rofs-prepare:"

/**
 * machine_id_read - read a machine-id file
 * @name: below @dir_fd; links are followed
 * @ret:  the id; set when it is valid
 *
 * Returns: 0, -EINVAL (empty, or "uninitialized"), or another -errno.
 */
int machine_id_read(int dir_fd, const char *name, char ret[static MACHINE_ID_LETTERS + 1]);

/**
 * made_by_rofs - has rofs-prepare made this entry?
 *
 * /etc/machine-id where the flash has no valid one, and the two .updated until systemd writes them
 * anew.
 */
bool made_by_rofs(const struct upper_entry *e);
