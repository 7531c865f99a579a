/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Block devices as the kernel has them in /sys: what a device is on, and whether it can be written. @root_fd is
 * the root of the running system.
 */

/** struct block_devices - numbers of devices, each once; all-zero: none */
struct block_devices {
	dev_t *list;
	size_t n;
};

void block_devices_done(struct block_devices *l);

/**
 * block_devices_add - add a device, and all that it is on
 *
 * Of a partition, that is the disk; of a device of LVM, LUKS or RAID, those it is made of; of one with btrfs, the
 * others of this file system. What is behind a loop device is a file, and is not followed.
 *
 * Returns: 0 (also if the kernel does not know the device) or -errno.
 */
int block_devices_add(int root_fd, dev_t device, struct block_devices *l);

/** block_devices_add_btrfs - the devices of a btrfs, and all that they are on. Returns: as block_devices_add(). */
int block_devices_add_btrfs(int root_fd, const char *uuid, struct block_devices *l);

bool block_devices_have(const struct block_devices *l, dev_t device);

/**
 * block_device_disk - that of a partition
 * @ret: 0 if @device is none, or the kernel does not know it
 *
 * Returns: 0 or -errno.
 */
int block_device_disk(int root_fd, dev_t device, dev_t *ret);

/**
 * block_device_is_writable - what BLKROGET would say, for all users
 *
 * Returns: 1, 0, -ENOENT if the kernel does not know the device, or another -errno.
 */
int block_device_is_writable(int root_fd, dev_t device);

/**
 * block_device_is_verity - is it one that dm-verity has checked, as libcryptsetup and systemd make them?
 *
 * Returns: 1, 0 or -errno.
 */
int block_device_is_verity(int root_fd, dev_t device);

/** block_device_path - of its node: "/dev/sda1". Returns: 0 or -errno. */
int block_device_path(int root_fd, dev_t device, char **ret);

/**
 * block_device_set - make it read-only or writable: BLKROSET
 * @path: of its node, which must have this number
 *
 * The kernel then refuses to open it for writing by mount(2), and write(2) to it. What has mounted it writable
 * already goes on writing.
 *
 * Returns: 0, -ENXIO if the node is of another device, or another -errno.
 */
int block_device_set(int root_fd, dev_t device, const char *path, bool read_only);

#define _cleanup_block_devices_ _cleanup_(block_devices_done)
