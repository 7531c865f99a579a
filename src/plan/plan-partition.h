/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/**
 * plan_partitions - the step that plans all [Partition] sections
 *
 * Which of them are used is known when the overlays and persists have asked for theirs.
 */
int plan_partitions(struct building *b);

/**
 * plan_find_partition - the index of the [Partition] that a section names
 * @at: where it does
 *
 * Returns: 0, or -EBADMSG with a message if there is none that can be used.
 */
int plan_find_partition(struct building *b, const struct conf_section *s, const char *name,
			struct pos at, size_t *ret);

/** plan_use_partition - something is mounted from the partition, so it is mounted itself. */
void plan_use_partition(struct building *b, size_t partition);

/** plan_partition_keeps_owners - do files on it have owners and modes, as far as Type= tells? */
bool plan_partition_keeps_owners(const struct conf_partition *c);

/** plan_partition_is_read_only - is nothing ever written to it, by Options= or Type=? */
bool plan_partition_is_read_only(const struct conf_partition *c);

/** plan_unused_partitions - the step that warns of those that nothing is mounted from */
int plan_unused_partitions(struct building *b);
