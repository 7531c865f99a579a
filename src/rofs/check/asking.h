/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/macro.h"
#include "system/setting-read.h"

/** struct asking - a question to the configuration of other software. All-zero: no answer. */
struct asking {
	const char *word; /* is it among the values? NULL: not asked */
	bool found;
	char *last; /* the last value; owned */
};

/**
 * ask - read what a key is set to in a file and in its drop-ins
 * @files:   of struct setting
 * @section: as there
 *
 * Returns: 0 or -ENOMEM.
 */
int ask(const struct unit_dirs *dirs, const char *const files[2], const char *section,
	const char *key, struct asking *x);

/** asking_take - as setting_read() calls it, for one that is not read by ask() */
int asking_take(void *data, const char *value, const char *file, unsigned line);
void asking_done(struct asking *x);

#define _cleanup_asking_ _cleanup_(asking_done)
