/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "layer/change.h"

/*
 * Holds two files against each other: what the two stats do not tell. No link is followed, no
 * device opened.
 */

/** struct compare - buffers, made once for many pairs */
struct compare;

/** struct compare_pair - a name in a directory of the upper and in one of the lower layer */
struct compare_pair {
	int upper_dir, lower_dir;
	const char *name;
};

/** compare_new - returns NULL when there is no memory; compare_free() frees it. */
struct compare *compare_new(void);
struct compare *compare_free(struct compare *c);

/**
 * compare_answer - look up what change_ask() has asked for, but CHANGE_ASK_OPAQUE
 * @ask: bits of enum change_question
 * @f:   upper and lower are set; mark, content and xattrs are filled in
 *
 * Reading ends at the first difference. Files over 64 MiB are not read, and content that cannot be
 * read is none: CHANGE_CONTENT_UNKNOWN. Extended attributes of overlayfs itself (trusted.overlay.*)
 * do not count. Needs /proc.
 *
 * An empty file with trusted.overlay.whiteout is a whiteout since Linux 6.7. The documentation wants
 * its directory marked as well, but only listing depends on that: looking the name up does not.
 *
 * Returns: 0 or -errno.
 */
int compare_answer(struct compare *c, const struct compare_pair *p, unsigned ask,
		   struct change_facts *f);

/**
 * compare_opaque - does a directory of the upper layer hide the lower one?
 *
 * Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories". The value is
 * "y"; with "x" nothing is hidden.
 */
bool compare_opaque(int upper_fd);
