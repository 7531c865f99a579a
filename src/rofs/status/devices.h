/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "verdict/observed.h"

/** struct device - what the kernel says of the block device below a mount */
struct device {
	char *name; /* "/dev/sda1"; NULL: none is known; owned */
	bool written_known;
	uint64_t sectors_written; /* of 512 bytes, since the kernel has known the device */
	/*
	 * eMMC: how much of the life of its two kinds of memory is used, in tenths, rounded up
	 * (JEDEC JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A and _B): 1 is up to 10%, 11 is past its life,
	 * 0 is unknown.
	 */
	unsigned life_a, life_b;
};

/**
 * device_read - look at the device of a mount
 * @dir: "/", or a tree with sys/dev/block
 * @m:   may be NULL
 *
 * Returns: 0 (also when nothing is known) or -ENOMEM.
 */
int device_read(const char *dir, const struct observed_mount *m, struct device *ret);
void device_done(struct device *d);

#define _cleanup_device_ __attribute__((cleanup(device_done)))
