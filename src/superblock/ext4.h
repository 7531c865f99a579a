/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The superblock of ext2 to ext4, as it lies on the medium. Layout: Documentation/filesystems/ext4/
 * of the kernel, super.rst.
 */
#define EXT4_SUPERBLOCK_OFFSET 1024 /* from the beginning of the partition */
#define EXT4_SUPERBLOCK_BYTES  1024

/** struct ext4_copy - where a superblock says its first copy is */
struct ext4_copy {
	uint64_t block;	     /* 0: there is none */
	uint32_t block_size; /* bytes */
};

/**
 * ext4_is_torn - is this a superblock with a checksum that is wrong? One without checksums (without
 * the feature metadata_csum) never is.
 */
bool ext4_is_torn(const unsigned char *superblock);

/**
 * ext4_first_copy - the copy in the second block group, which each file system of more than one
 * group has
 *
 * Numbers that no file system can have give no copy.
 */
struct ext4_copy ext4_first_copy(const unsigned char *superblock);

/**
 * ext4_is_same - do a superblock and its copy tell of the same file system?
 *
 * Compared is what does not change while it is mounted: sizes, layout, and the features of the copy;
 * the kernel may have added some since. The checksum of the copy does not count: what agrees in two
 * places is not damaged in both.
 */
bool ext4_is_same(const unsigned char *superblock, const unsigned char *copy);

/**
 * ext4_mend - make the checksum right, and have the next fsck look at everything
 *
 * Of a torn write each half is good in itself: what the second one has beside the checksum does not
 * change with the first.
 */
void ext4_mend(unsigned char *superblock);
