/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The superblock of ext2, ext3 and ext4 on the medium. Layout: Documentation/filesystems/ext4/super.rst
 * of the kernel.
 */
#define EXT4_SUPERBLOCK_OFFSET 1024 /* from the beginning of the partition */
#define EXT4_SUPERBLOCK_BYTES  1024

/** struct ext4_backup - the place of the first backup, as the superblock gives it */
struct ext4_backup {
	uint64_t block;	     /* 0: there is none */
	uint32_t block_size; /* bytes */
};

/**
 * ext4_is_torn - is this a superblock with a wrong checksum?
 * @superblock: EXT4_SUPERBLOCK_BYTES, here and below
 *
 * One without checksums (the feature metadata_csum) never is.
 */
bool ext4_is_torn(const unsigned char *superblock);

/**
 * ext4_first_backup - the backup in the second block group
 *
 * Each file system of more than one group has it. Numbers that no file system can have give none.
 */
struct ext4_backup ext4_first_backup(const unsigned char *superblock);

/**
 * ext4_matches - do a superblock and its backup agree in all that a mounted file system does not change?
 *
 * A torn write explains no other difference. The checksum of the backup does not count: what is the
 * same in two places is not damaged in both.
 */
bool ext4_matches(const unsigned char *superblock, const unsigned char *backup);

/**
 * ext4_is_in_range - is what a mounted file system changes a value that the kernel may have written?
 *
 * Meant for a superblock that matches its backup.
 */
bool ext4_is_in_range(const unsigned char *superblock);

/**
 * ext4_must_have_empty_journal - does the superblock say that its journal has nothing to recover?
 *
 * The kernel sets the flag, with a flush, before it uses the journal, and clears it when the journal
 * is empty. A cleared flag with something in the journal is damage, and mounting would drop the journal.
 */
bool ext4_must_have_empty_journal(const unsigned char *superblock);

/**
 * ext4_repair - correct the checksum, and make the next fsck check everything
 *
 * Each half of a torn write is valid in itself: apart from the checksum, nothing in the second half
 * depends on the first.
 */
void ext4_repair(unsigned char *superblock);
