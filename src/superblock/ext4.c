/* SPDX-License-Identifier: MIT */
#include "superblock/ext4.h"

#include <stddef.h>
#include <string.h>

#include "basic/macro.h"

#define MAGIC			0xef53
#define RO_COMPAT_METADATA_CSUM 0x400
#define STATE_ERRORS		0x2 /* e2fsck then checks it even if it is clean */
#define LOG_BLOCK_SIZE_MAX	6   /* 64 KiB */

enum {
	BLOCKS_COUNT = 0x04,
	FIRST_DATA_BLOCK = 0x14,
	LOG_BLOCK_SIZE = 0x18,
	BLOCKS_PER_GROUP = 0x20,
	MAGIC_NUMBER = 0x38,
	STATE = 0x3a,
	FEATURE_COMPAT = 0x5c,
	FEATURE_INCOMPAT = 0x60,
	FEATURE_RO_COMPAT = 0x64,
	CHECKSUM = 0x3fc,
};

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* As in ext4, without a final inversion. A table is not worth it for a kilobyte. */
static uint32_t crc32c(const unsigned char *bytes, unsigned n)
{
	uint32_t crc = UINT32_MAX;

	for (unsigned i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return crc;
}

bool ext4_is_torn(const unsigned char *superblock)
{
	if ((le32(superblock + MAGIC_NUMBER) & 0xffff) != MAGIC)
		return false;
	if (!(le32(superblock + FEATURE_RO_COMPAT) & RO_COMPAT_METADATA_CSUM))
		return false;
	return crc32c(superblock, CHECKSUM) != le32(superblock + CHECKSUM);
}

struct ext4_backup ext4_first_backup(const unsigned char *superblock)
{
	const struct ext4_backup none = { 0, 0 };
	uint32_t log_size = le32(superblock + LOG_BLOCK_SIZE);
	uint64_t first = le32(superblock + FIRST_DATA_BLOCK);
	uint64_t per_group = le32(superblock + BLOCKS_PER_GROUP);
	struct ext4_backup backup;

	if (log_size > LOG_BLOCK_SIZE_MAX || first > 1 || per_group == 0)
		return none;
	backup.block_size = UINT32_C(1024) << log_size;
	backup.block = first + per_group;
	/* Each group has one block as a bitmap of its blocks. */
	if (per_group > (uint64_t)backup.block_size * 8 ||
	    backup.block >= le32(superblock + BLOCKS_COUNT))
		return none;
	return backup;
}

bool ext4_matches(const unsigned char *superblock, const unsigned char *backup)
{
	static const struct {
		unsigned offset, bytes;
	} fields[] = {
		{ 0x00, 4 },  /* inodes_count */
		{ 0x04, 4 },  /* blocks_count */
		{ 0x14, 4 },  /* first_data_block */
		{ 0x18, 16 }, /* log_block_size, log_cluster_size, blocks and clusters_per_group */
		{ 0x28, 4 },  /* inodes_per_group */
		{ 0x38, 2 },  /* magic */
		{ 0x48, 8 },  /* creator_os, rev_level */
		{ 0x54, 6 },  /* first_ino, inode_size */
		{ 0xce, 2 },  /* reserved_gdt_blocks */
		{ 0xe0, 8 },  /* journal_inum, journal_dev */
		{ 0xfe, 2 },  /* desc_size */
		{ 0x104, 4 }, /* first_meta_bg */
		{ 0x150, 4 }, /* blocks_count_hi */
		{ 0x174, 2 }, /* log_groups_per_flex, checksum_type */
		{ 0x24c, 8 }, /* backup_bgs */
		{ 0x270, 4 }, /* checksum_seed */
	};
	static const unsigned features[] = { FEATURE_COMPAT, FEATURE_INCOMPAT, FEATURE_RO_COMPAT };

	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		if (memcmp(superblock + fields[i].offset, backup + fields[i].offset,
			   fields[i].bytes) != 0)
			return false;
	for (size_t i = 0; i < ELEMENTSOF(features); i++)
		if (le32(backup + features[i]) & ~le32(superblock + features[i]))
			return false;
	return true;
}

void ext4_repair(unsigned char *superblock)
{
	uint32_t checksum;

	superblock[STATE] |= STATE_ERRORS;
	checksum = crc32c(superblock, CHECKSUM);
	for (unsigned i = 0; i < 4; i++)
		superblock[CHECKSUM + i] = (unsigned char)(checksum >> 8 * i);
}
