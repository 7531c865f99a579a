/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/problem.h"

/**
 * enum journal_view - could the journal be read?
 */
enum journal_view {
	JOURNAL_SEEN,
	JOURNAL_DENIED, /* this user may not read the system's messages */
	JOURNAL_NONE,	/* there is none */
};

/**
 * reason_find - why the units of a problem are not active, in the journal's words
 * @ret: the message of this boot that explains most, by the processes of one of the units or by
 *       PID 1 about it; NULL if there is none. The caller frees it.
 *
 * Returns: enum journal_view, or -ENOMEM.
 */
int reason_find(const struct problem *p, char **ret);
