/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rofs/ui/output.h"

/** struct progress - a bar on the last line of a terminal, once the work has taken a second. All-zero shows none. */
struct progress {
	const char *what;     /* "copying"; borrowed */
	uint64_t total, done; /* bytes */
	int64_t begun, shown; /* ms; shown 0: not yet */
	bool on;
};

/**
 * progress_begin - begin one
 * @o: shows none unless this is a terminal
 */
void progress_begin(struct progress *p, const struct output *o, const char *what, uint64_t total);

/** progress_add - so many more bytes are done */
void progress_add(struct progress *p, uint64_t bytes);

/** progress_end - remove it from the terminal. A second call does nothing. */
void progress_end(struct progress *p);
