/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/*
 * The runs of rofs-prepare. Each function asks for one on behalf of the section @s and sets @ret to
 * its index in plan.runs. They return 0, -ENOMEM, or -EBADMSG with a message.
 */

/** plan_ram_run - that of the early mounts, made on first use */
int plan_ram_run(struct building *b, const struct conf_section *s, size_t *ret);

/** plan_partition_run - that of a partition, made on first use. @partition: its index */
int plan_partition_run(struct building *b, const struct conf_section *s, size_t partition,
		       size_t *ret);

/** plan_path_run - one for a single path. @kind: RUN_OVERLAY, RUN_FALLBACK or RUN_GUARD */
int plan_path_run(struct building *b, const struct conf_section *s, enum run_kind kind,
		  const char *path, size_t *ret);

/** plan_indexes_add - one more index at the end. Returns: 0 or -ENOMEM. */
int plan_indexes_add(struct plan_indexes *x, size_t index);
