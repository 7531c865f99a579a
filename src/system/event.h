/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/macro.h"

/* Messages to the journal, each kind with an id that the catalog explains: catalog/rofs.catalog. */

enum event_kind {
	EVENT_PROTECTED,
	EVENT_NOT_IN_FORCE,
	EVENT_POOL_WARNING,
	EVENT_POOL_CRITICAL,
	EVENT_COMMITTED,      /* commit has written changes to flash */
	EVENT_CHROOT_DONE,    /* chroot has changed the root file system */
	EVENT_UNDONE,	      /* undo has put back what one of both had changed */
	EVENT_COMMIT_REFUSED, /* one of them has changed nothing, and why */
	EVENT_FINISHED,	      /* at boot, what a power cut had interrupted was finished */
	EVENT_NOT_FINISHED,   /* or could not be */
	EVENT_LEFT_WRITABLE,  /* a file system could not be made read-only again */
	_EVENT_KIND_MAX,
};

/**
 * event_log - one message
 * @storage:  the directory of the storage it is about, NULL: none
 * @percent: how full it is
 *
 * To the journal in a service, to standard error by hand.
 */
void event_log(enum event_kind kind, const char *storage, unsigned percent, const char *text);

/**
 * event_record - a message to the journal only, from a command whose output is for the person who runs it
 *
 * Without a journal, nothing happens.
 */
void event_record(enum event_kind kind, const char *text);
