/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/building.h"

/* A run of rofs-prepare on @dir; @s asks for it. */
int plan_add_prepare(struct building *b, const struct conf_section *s, const char *dir,
		     size_t *ret);

/* The index of plan.early_mounts, made on first use by @s. */
int plan_early_mounts(struct building *b, const struct conf_section *s, size_t *ret);

/* The run of rofs-prepare on this partition, made on first use by @s. */
int plan_partition_prepare(struct building *b, const struct conf_section *s, size_t partition,
			   size_t *ret);
