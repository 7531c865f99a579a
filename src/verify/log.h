/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/macro.h"

/* Messages to the journal, each kind with an id that the catalog explains: catalog/rofs.catalog. */

enum say_kind {
	SAY_PROTECTED,
	SAY_NOT_IN_FORCE,
	SAY_POOL_WARNING,
	SAY_POOL_CRITICAL,
	_SAY_KIND_MAX,
};

/**
 * say - one message
 * @storage:  the directory of the storage it is about, NULL: none
 * @percent: how full it is
 *
 * To the journal in a service, to standard error by hand.
 */
void say(enum say_kind kind, const char *storage, unsigned percent, const char *text);
