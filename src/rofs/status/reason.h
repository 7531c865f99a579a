/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/verdict.h"

/**
 * enum journal_view - could the journal be read?
 */
enum journal_view {
	JOURNAL_SEEN,
	JOURNAL_DENIED, /* the user may not read the messages of the system */
	JOURNAL_NONE,	/* there is none */
};

/**
 * reason_find - why the units of a problem are not what they should be, in the journal's words
 * @ret: the last message of this boot, by the processes of one of the units or else by PID 1 about
 *       it; NULL if there is none. The caller frees it.
 *
 * Returns: what could be seen, or -ENOMEM.
 */
int reason_find(const struct problem *p, char **ret);
