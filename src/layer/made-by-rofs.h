/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "layer/upper.h"

/*
 * What rofs-prepare itself puts into upper layers, so that a change of the system can be told from
 * it. rofs-prepare(8) says why they are there.
 */

#define SEEDS_ID_LETTERS 32u /* machine-id(5) */
/* How the .updated of /etc and /var begins when it is ours; systemd's begins otherwise. */
#define SEEDS_UPDATED_HEAD "# Made by rofs-prepare:"

/**
 * seeds_read_id - read a machine-id file
 * @name: below @dir_fd; links are followed
 * @ret:  the id; set when it is valid
 *
 * Returns: 0, -EINVAL (empty, or "uninitialized"), or another -errno.
 */
int seeds_read_id(int dir_fd, const char *name, char ret[static SEEDS_ID_LETTERS + 1]);

/**
 * seeds_made - has rofs-prepare made this entry?
 *
 * /etc/machine-id where the flash has no valid one, and the two .updated until systemd writes them
 * anew.
 */
bool seeds_made(const struct upper_entry *e);
