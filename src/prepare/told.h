/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/log.h"
#include "trust/way.h"

/**
 * TOLD - what a function returns in place of -errno when it has logged the reason
 *
 * A failure is one line, the one that explains most. Whoever gets this logs no second one: of two
 * that a unit has logged, rofs status quotes the newer.
 */
#define TOLD (-4096) /* no errno: those end at 4095, MAX_ERRNO of the kernel */

/** tell - log_error(), unless the reason has been logged. Returns: TOLD. */
#define tell(err, ...) ((err) == TOLD ? TOLD : log_error(TOLD, __VA_ARGS__))

/** tell_refusal - log why a way was refused, if it was. Returns: TOLD, else @err (-errno). */
int tell_refusal(const struct way *w, int err);

/**
 * tell_link - log which component of a path is a symbolic link, if that is why a walk ended
 * @subject: "[Persist /srv/app]", for the message
 * @root_fd: where @path begins
 * @err:     -errno of the walk
 *
 * Returns: TOLD, else @err.
 */
int tell_link(const char *subject, int root_fd, const char *path, int err);
