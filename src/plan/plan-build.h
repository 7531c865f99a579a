/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/**
 * plan_build - decide which mounts the configuration asks for
 * @conf:  after conf_check(); borrowed, must outlive @ret
 * @facts: borrowed, must outlive @ret; its path facts belong to @conf
 * @d:     receives, with position, what cannot be planned; that section is left out and the rest is
 *         planned
 * @ret:   set on success only
 *
 * Pure: the same input gives the same plan, in the same order. Time is n log n in the number of
 * sections.
 *
 * Returns: 0 (also with mistakes) or -ENOMEM.
 */
int plan_build(const struct conf *conf, const struct facts *facts, struct diag *d,
	       struct plan *ret);
