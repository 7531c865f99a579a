/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "plan/plan.h"
#include "verdict/observed.h"
#include "verdict/root-devices.h"

/*
 * What writes to block devices, beside commits to /: while that is on a disk, the disk stays writable. What is
 * declared counts whether it is mounted yet or not: it must not fail because of Device=read-only.
 */

/** struct device_user - @what: a path, or "[Partition data]"; owned */
struct device_user {
	dev_t device; /* 0: it does not exist, or not yet */
	char *what;
};

struct device_users {
	struct device_user *list;
	size_t n;
};

/**
 * device_users_find - partitions that are declared, swap, lines of fstab that are not read-only, and what is
 *		       mounted writable now
 * @s: NULL: only what is declared counts
 *
 * A line of fstab that is read-only counts, too, if it may be mounted after local-fs.target: fsck and a journal
 * would have to write.
 *
 * Returns: 0 or -ENOMEM.
 */
int device_users_find(const struct plan *p, const struct observed *s, struct device_users *ret);
void device_users_done(struct device_users *l);

/**
 * root_devices_decide - what becomes of the devices below /
 * @root: its mount
 * @ret:  empty if / is on no block device; root_devices_done() frees it
 *
 * Returns: 0 or -errno.
 */
int root_devices_decide(int root_fd, const struct observed_mount *root,
			const struct device_users *users, struct root_devices *ret);

#define _cleanup_device_users_ _cleanup_(device_users_done)
