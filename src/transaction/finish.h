/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/window.h"

/* What a later boot does with a transaction that a power cut has interrupted after its mark. */

/**
 * finish_interrupted - finish the transaction of /rofs/commit, if there is one, and finish_pending()
 * @w:       a window with the root, and maybe with another file system that has .rofs/staging.N
 * @ret_why: a sentence, on failure
 *
 * commit becomes kept.N when all file systems of its record are done, and pending.N while some were not in the
 * window: those are finished when they are mounted. If the root cannot be finished, as its files are not those of the
 * record, all is put back, on the others when they are mounted. Idempotent: it can be interrupted at any moment and run again.
 *
 * Returns: 1 when something was switched (the running system has read the old files: reboot), 0 when there was
 * nothing to do, -EPERM when a record is damaged, or another -errno.
 */
int finish_interrupted(struct window *w, char **ret_why);

/** finish_pending - the same for pending.N of the root: what is done there, but not on the others of the window */
int finish_pending(struct window *w, char **ret_why);
