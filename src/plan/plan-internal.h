/* SPDX-License-Identifier: MIT */
#pragma once

/* Shared by the plan-*.c files only: the steps of plan_build() and what they pass to each other. */

#include <stdint.h>

#include "basic/text.h"
#include "plan/claims.h"
#include "plan/fstab.h"
#include "plan/plan.h"

#define NO_INDEX SIZE_MAX

struct building {
	struct plan plan; /* the result so far */
	struct diag *diag;
	struct fstab_index fstab;
	struct claim *claims; /* in path order */
	size_t n_claims;
	bool *lower_done; /* one for each entry of facts->fstab: it is visible below /rofs/ro already */
};

/* The steps. Each returns 0 or -ENOMEM; mistakes go to b->diag and cost only their own section. */
int plan_overlays(struct building *b);
int plan_partitions(struct building *b);
int plan_persists(struct building *b);
int plan_root(struct building *b);
int plan_masks(struct building *b);

/* The link by which @by pulls in @unit is not followed. @kind: "wants" or "requires". */
int plan_mask(struct plan *p, const char *by, const char *kind, const char *unit);

/* A unit name for @path; one that systemd would not take is a mistake at @s: -EBADMSG. */
int plan_name_unit(struct building *b, const struct conf_section *s, const char *path,
		   const char *suffix, char **ret);

/* The .device unit of a device path; errors as plan_name_unit(). */
int plan_name_device(struct building *b, const struct conf_section *s, const char *path,
		     char **ret);

/* The instance of systemd-fsck@.service for a device path; errors as plan_name_unit(). */
int plan_name_fsck(struct building *b, const struct conf_section *s, const char *path, char **ret);

/* A pool mounted at @dir, with size, inodes, shared and pos as in @wanted; @s asks for it. */
int plan_add_pool(struct building *b, const struct conf_section *s, const char *dir,
		  const struct plan_pool *wanted);

/* Makes what fstab mounts there visible below /rofs/ro; @s asks for it. */
int plan_lower_of(struct building *b, const struct conf_section *s, const struct fstab_entry *e);

/* A run of rofs-prepare on @dir; @s asks for it. */
int plan_add_prepare(struct building *b, const struct conf_section *s, const char *dir,
		     size_t *ret);

/* The index of plan.early_mounts, made on first use by @s. */
int plan_early_mounts(struct building *b, const struct conf_section *s, size_t *ret);

/* The index of the [Partition] that @s names at @at; -EBADMSG if there is none that can be used. */
int plan_find_partition(struct building *b, const struct conf_section *s, const char *name,
			struct pos at, size_t *ret);

/* Notes that something is mounted from the partition, so that it is mounted itself. */
void plan_use_partition(struct building *b, size_t partition);

/* The run of rofs-prepare on this partition, made on first use by @s. */
int plan_partition_prepare(struct building *b, const struct conf_section *s, size_t partition,
			   size_t *ret);
