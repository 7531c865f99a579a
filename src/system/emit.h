/* SPDX-License-Identifier: MIT */
#pragma once

#include "unit/unit.h"

/**
 * struct emit_failure - what could not be written, for the message
 *
 * @name points into the unit set given to emit(); NULL when the directory itself could not be
 * opened.
 */
struct emit_failure {
	const char *name;
};

/**
 * emit - write a unit set into a directory
 * @dir: made if it is not there (its parent must be)
 * @failure: filled in on failure
 *
 * All files first, in the set's order (each unit after those it needs), then the enabling links,
 * built in a directory aside and moved into place by one rename(2). Signals are held back
 * meanwhile. On failure all that was written is removed again: nothing is enabled, nothing is left
 * for another unit to pull in.
 *
 * Returns: 0 or -errno (-EEXIST: another generator has written the same unit).
 */
int emit(const char *dir, const struct unit_set *set, struct emit_failure *failure);

/** emit_at - as emit(), into an open directory to which nobody else writes */
int emit_at(int dir_fd, const struct unit_set *set, struct emit_failure *failure);

/**
 * emit_give_up - remove what the emit() that runs has written so far
 *
 * For a signal handler after which the process ends; it needs neither heap nor locks. Does nothing
 * when no emit() runs: what is complete stays.
 */
void emit_give_up(void);
