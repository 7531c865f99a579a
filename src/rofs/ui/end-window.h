/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/window.h"

/**
 * end_window - window_close(), and say what has failed, to the user and in the journal
 * @done: the beginning of the message: what is done all the same, or ""
 *
 * Returns: as window_close().
 */
int end_window(struct window *w, const char *done);
