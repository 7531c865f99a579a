/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/suggest/machine.h"
#include "rofs/suggest/suggestion.h"

/**
 * try_suggestion - ask rofs check about what is suggested, and note in @m what it says
 * @root: "/" or a tree
 *
 * A section with an error, or one that a boot would leave out, is then decided again without it,
 * whatever the reason. When there is none, the warnings are noted.
 *
 * Returns: 1 if @m has learned something, 0 if not, or -errno.
 */
int try_suggestion(const char *root, const struct suggestion *s, struct machine *m);
