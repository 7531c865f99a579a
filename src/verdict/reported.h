/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/observed.h"
#include "verdict/verdict.h"

/*
 * What has been reported, so that it is reported once. A text in /run: a line for each error that
 * was reported, by its kind and what it is about, and one for each storage that has passed a limit.
 */

/** struct reported_level - the limits that a storage has passed, 0 for none */
struct reported_level {
	char *dir; /* of the storage; owned */
	unsigned bytes, inodes;
};

struct reported {
	char *errors; /* as of reported_errors(); NULL: not known; owned */
	struct reported_level *levels;
	size_t n_levels;
};

/** enum reported_resource - what a storage runs out of */
enum reported_resource {
	REPORTED_BYTES,
	REPORTED_INODES,
};

/**
 * reported_parse - read what reported_format() wrote; a line that is not understood is skipped
 *
 * Returns: 0 or -ENOMEM.
 */
int reported_parse(const char *text, struct reported *ret);
int reported_format(const struct reported *s, char **ret);
void reported_done(struct reported *s);

/**
 * reported_errors - the errors of a verdict, a line each: kind, path, partition and, of a mistake in
 * the configuration, its place; separated by tabs
 *
 * Returns: 0 or -ENOMEM.
 */
int reported_errors(const struct verdict *v, char **ret);

/**
 * reported_step - note how full a storage is now
 * @ret: the limit that was passed since the last time and has to be reported, else 0
 *
 * A limit is reported again only after the storage has been well below it: REPORTED_SLACK_PERCENT.
 *
 * Returns: 0 or -ENOMEM.
 */
int reported_step(struct reported *s, const struct storage *v, enum reported_resource kind,
		  unsigned *ret);

#define REPORTED_SLACK_PERCENT 5u

#define _cleanup_reported_ _cleanup_(reported_done)
