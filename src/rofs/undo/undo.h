/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "rofs/changes/changes.h"
#include "transaction/history.h"
#include "transaction/record.h"

/** struct undo - one run of rofs undo */
struct undo {
	bool yes, dry_run;
	char *command;
	struct changes changes; /* the plan, and the layers of the overlays */
	struct history history;
	const struct history_entry *entry; /* of the transaction; in @history */
	struct record record;		   /* the same */
	char *not_kept; /* "/boot/efi", where nothing is put back; NULL: nowhere */
	size_t n_shadowed; /* paths that the running system goes on to show as they are in the upper layers */
};

/**
 * undo_find - find the transaction, and check that all of it can be put back
 *
 * What is wrong is reported.
 *
 * Returns: -1 to go on, else the exit status.
 */
int undo_find(struct undo *u);

/**
 * undo_check_again - the same checks, once no other transaction can come any more: in the window
 *
 * Returns: -1 to go on, else the exit status.
 */
int undo_check_again(const struct undo *u);

/** undo_check_window - can a transaction begin on its file systems? Returns: -1 to go on, else the exit status. */
int undo_check_window(const struct undo *u);

/** undo_write - put it back, in a transaction. Returns: the exit status. */
int undo_write(struct undo *u);
