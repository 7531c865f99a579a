/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "basic/text.h"
#include "plan/claims.h"
#include "plan/fstab.h"
#include "plan/plan.h"

#define NO_INDEX SIZE_MAX

/** struct device - a device of a [Partition]; devices.h */
struct device {
	char *path; /* owned */
	size_t partition;
};

/** struct partition_wait - a [Partition] waits for another one; plan-partition-units.h */
struct partition_wait {
	size_t from, to; /* indexes into plan.partitions */
	const char *key; /* of the first one, that names the unit */
	char *unit;	 /* owned */
};

/** enum plan_stage - the steps in which sections are refused that could have their paths */
enum plan_stage {
	STAGE_DIRECTORIES,
	STAGE_OVERLAYS,
	STAGE_PERSISTS,
	_STAGE_MAX,
};

/**
 * struct building - a plan in the making: what the steps of plan_build() hand on to each other
 *
 * For the plan-*.c files only. Each step returns 0 or -ENOMEM; mistakes go to @diag and cost only
 * their own section.
 */
struct building {
	struct plan plan; /* the result so far */
	struct diag *diag;
	size_t stage_at[_STAGE_MAX]; /* the first entry of each */
	struct fstab_index fstab;
	struct left_outs *left_outs; /* left-out.h */
	struct claim *claims;	     /* in path order */
	size_t n_claims;
	bool because_of_other; /* what is refused now is refused for another section's sake */
	size_t *lower_of; /* one for each entry of facts->fstab: index into plan.lowers, NO_INDEX */
	struct device *devices; /* by path */
	size_t n_devices;
	struct partition_wait *waits; /* by .from */
	size_t n_waits;
	void *names; /* tsearch(3): what is in plan.swaps and plan.masks; borrowed */
};
