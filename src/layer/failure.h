/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/limits.h>

/** struct failure - which call of a copy has failed, for a message; all-zero: not known */
struct failure {
	const char *action;		    /* "write"; static */
	char attribute[XATTR_NAME_MAX + 1]; /* extended attribute that it was about, "": none */
};

/* For these, ENOSPC means that the file system is full. Others have limits of their own. */
#define FAILURE_CREATE "create"
#define FAILURE_WRITE  "write"

#define FAILURE_TEXT_MAX (XATTR_NAME_MAX + 64u)

/**
 * failure_note - record that a call has failed
 * @f:      may be NULL
 * @action: static text
 *
 * Returns: -errno of the call.
 */
int failure_note(struct failure *f, const char *action);

/** failure_note_attribute - as failure_note(), with the extended attribute @name */
int failure_note_attribute(struct failure *f, const char *action, const char *name);

/** failure_text - "set attribute user.x of", to be followed by a file. Returns: @buffer. */
const char *failure_text(const struct failure *f, char buffer[FAILURE_TEXT_MAX]);

/** failure_reason - the words for @err (-errno), as strerror(3) where it says enough */
const char *failure_reason(const struct failure *f, int err);
