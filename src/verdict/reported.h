/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/observed.h"
#include "verdict/verdict.h"

/*
 * What has been said already, so that it is said once. A text in /run: a line for each problem
 * that was reported, and one for each volume that has passed a limit.
 */

/** struct watch_level - the limits that a volume has passed, 0 for none */
struct watch_level {
	char *dir; /* of the volume; owned */
	unsigned bytes, inodes;
};

struct watch_state {
	char *broken; /* the sentences of what was not in force, a line each; NULL: not known; owned */
	struct watch_level *levels;
	size_t n_levels;
};

/** enum watch_kind - what a volume runs out of */
enum watch_kind {
	WATCH_BYTES,
	WATCH_INODES,
};

/**
 * watch_parse - read what watch_format() wrote; a line that is not understood is skipped
 *
 * Returns: 0 or -ENOMEM.
 */
int watch_parse(const char *text, struct watch_state *ret);
int watch_format(const struct watch_state *s, char **ret);
void watch_done(struct watch_state *s);

/** watch_broken - the sentences of what is not in force, a line each. Returns: 0 or -ENOMEM. */
int watch_broken(const struct verdict *v, char **ret);

/**
 * watch_step - note how full a volume is now
 * @ret: the limit that was passed since the last time and is to be reported, else 0
 *
 * A limit is reported again only after the volume has been well below it: WATCH_SLACK_PERCENT.
 *
 * Returns: 0 or -ENOMEM.
 */
int watch_step(struct watch_state *s, const struct volume *v, enum watch_kind kind, unsigned *ret);

#define WATCH_SLACK_PERCENT 5u

#define _cleanup_watch_ _cleanup_(watch_done)
