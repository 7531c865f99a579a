/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/*
 * A section that is left out leaves the machine as if it were not written. But some are found to be
 * refused only when others have been planned that reckon with them. So the plan is made again without
 * them, until all that is planned can stay; what they were told is kept.
 */

struct left_out {
	enum plan_stage stage; /* in which it was refused */
	size_t first, last;    /* its messages in left_outs.diag */
};

/** struct left_outs - over all rounds; left_outs_init() and left_outs_done() */
struct left_outs {
	bool *sections; /* by order */
	bool *named;	/* one for each partition: a section, left out or not, means it */
	struct left_out *list;
	size_t n;
	struct diag diag;
};

/** left_outs_init - for this configuration. Returns: 0 or -ENOMEM. */
int left_outs_init(struct left_outs *l, const struct conf *conf);
void left_outs_done(struct left_outs *l);

/**
 * plan_leave_out - the section of this claim cannot be planned
 * @first: its messages begin with this entry of the diag
 */
void plan_leave_out(struct building *b, struct claim *c, size_t first);

/**
 * left_outs_add - take over what was refused when this was built
 *
 * What is refused for the sake of another section only when all are sound that are refused for their
 * own: the other one may be among these.
 *
 * Returns: the number of sections, or -ENOMEM.
 */
int left_outs_add(struct left_outs *l, struct building *b);

/** left_outs_tell - all messages: those of the last round, and in their places those that were kept */
void left_outs_tell(struct left_outs *l, struct building *b, struct diag *d);

#define _cleanup_left_outs_ _cleanup_(left_outs_done)
