/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/suggest/machine.h"
#include "rofs/suggest/suggestion.h"

/**
 * try_suggestion - make the plan of what is suggested, and note in @m what it leaves out
 * @root: "/" or a tree
 *
 * What a boot would leave out is then decided again without it, whatever the reason.
 *
 * Returns: 1 if @m has learned something, 0 if not, or -errno.
 */
int try_suggestion(const char *root, const struct suggestion *s, struct machine *m);
