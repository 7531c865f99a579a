/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/status/devices.h"
#include "rofs/status/reason.h"
#include "rofs/ui/table.h"
#include "system/load.h"
#include "system/systemd.h"
#include "verdict/observed.h"
#include "verdict/verdict.h"

/* What `rofs status` knows, collected once; each way to print it has a file of its own. */

/** struct answer - why a problem is one */
struct answer {
	char *reason; /* the journal's words, NULL: none; owned */
};

struct status {
	const char *dir;
	struct loaded loaded;
	struct observed observed;
	struct verdict verdict;
	char *off; /* why nothing is in force, NULL: it should be */
	struct unit_states units;
	struct answer *answers; /* one for each problem of the verdict */
	struct device root;
	struct device *partitions; /* one for each partition of the plan */
	char **drift;		   /* sentences: what differs from what is in force */
	size_t n_drift;
	char **unseen; /* what could not be seen */
	size_t n_unseen;
};

/** status_show - for people. @only_table: without the verdict. Returns: 0 or -errno. */
int status_show(const struct status *s, const struct table_style *style, bool only_table);

/** status_json - rofs(8) describes the fields. Returns: 0 or -ENOMEM. */
int status_json(const struct status *s);

/** status_metrics - OpenMetrics text. Returns: 0 or -ENOMEM. */
int status_metrics(const struct status *s);

/** status_columns - for --help. @ret_n: their number. */
const struct table_column *status_columns(size_t *ret_n);

/*
 * The state of what is declared: "active" only if it is in force, else what systemd says of the
 * unit, or "inactive".
 */
const char *status_overlay_state(const struct status *s, size_t i);
const char *status_partition_state(const struct status *s, size_t i);
const char *status_persist_state(const struct status *s, size_t i);
