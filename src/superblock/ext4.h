/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EXT4_SUPERBLOCK_OFFSET 1024 /* from the beginning of the partition */
#define EXT4_SUPERBLOCK_BYTES  1024

/** struct ext4_copy - where a superblock says its first copy is */
struct ext4_copy {
	uint64_t block;	     /* 0: there is none */
	uint32_t block_size; /* bytes */
};

/**
 * ext4_is_torn - is this the superblock of an ext file system, with a checksum that is wrong?
 * @superblock: EXT4_SUPERBLOCK_BYTES, as on the medium
 *
 * One without checksums (without the feature metadata_csum) is never said to be torn. Layout:
 * Documentation/filesystems/ext4/super.rst of the kernel.
 */
bool ext4_is_torn(const unsigned char *superblock);

/**
 * ext4_first_copy - the copy in the second block group, which each file system of more than one
 * group has
 *
 * What it is computed from does not change in the life of a file system, so a torn superblock has it
 * right as well. Numbers that no file system can have give no copy.
 */
struct ext4_copy ext4_first_copy(const unsigned char *superblock);
