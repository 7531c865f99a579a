/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/status/devices.h"
#include "rofs/status/drift.h"
#include "system/load.h"
#include "system/systemd.h"
#include "verdict/observed.h"
#include "verdict/verdict.h"

/* What `rofs status` knows, collected once; each way to print it has a file of its own. */

struct status {
	const char *dir; /* "/", or a tree */
	struct loaded loaded;
	struct observed observed;
	struct verdict verdict; /* with a warning for each drift */
	char *off;		/* why nothing is in force, NULL: it should be */
	struct unit_states units;
	struct device root;
	struct device *partitions; /* one for each partition of the plan */
	struct drift drift;
	char **unseen; /* what could not be found out, and why */
	size_t n_unseen;
};

/**
 * status_collect - fill in what is known
 * @s: all-zero but for its dir and LOADED_INIT; status_done() frees it, also after a failure
 *
 * Returns: 0 or -errno.
 */
int status_collect(struct status *s);
void status_done(struct status *s);

/*
 * The state of what is declared: "active" only if it is in force, else what systemd says of its unit;
 * "missing" where systemd does not know that it is gone.
 */
const char *status_overlay_state(const struct status *s, size_t i);
const char *status_persist_state(const struct status *s, size_t i);
const char *status_storage_state(const struct status *s, const struct storage *v);
