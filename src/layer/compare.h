/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/change.h"

/* Compares two files beyond what stat(2) says of them. No link is followed, no device opened. */

/** struct compare - buffers for many comparisons */
struct compare;

/** struct compare_pair - one name in a directory of each layer */
struct compare_pair {
	int upper_dir, lower_dir;
	const char *name;
};

/** compare_new - allocate the buffers. compare_free() frees them. Returns: NULL without memory. */
struct compare *compare_new(void);
struct compare *compare_free(struct compare *c);

/**
 * compare_answer - look up what change_ask() asks for, except CHANGE_ASK_OPAQUE
 * @ask: bits of enum change_question
 * @f:   upper and lower are set; mark, content and xattrs are filled in, or what could not be read
 *
 * Reading ends at the first difference. Files larger than 64 MiB are read only with CHANGE_ASK_LARGE,
 * without their holes; else they are CHANGE_CONTENT_UNKNOWN. Extended attributes of overlayfs itself are ignored. Needs /proc.
 *
 * For a whiteout that is an empty file with OVERLAY_ATTRIBUTE_WHITEOUT, the documentation requires
 * that its directory is marked too; but only listing the directory depends on that mark, looking the
 * name up does not.
 */
void compare_answer(struct compare *c, const struct compare_pair *p, unsigned ask,
		    struct change_facts *f);

/**
 * compare_ahead - begin to read the content of a lower file that compare_answer() is about to read
 *
 * A medium that reads one small file after the other does nothing in between.
 */
void compare_ahead(const struct compare_pair *p);

/**
 * compare_opaque - is this directory of the upper layer opaque?
 *
 * The value of OVERLAY_ATTRIBUTE_OPAQUE is "y" then; "x" hides nothing.
 *
 * Returns: 1, 0, or -errno.
 */
int compare_opaque(int upper_fd);
