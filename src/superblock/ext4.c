/* SPDX-License-Identifier: MIT */
#include "superblock/ext4.h"

#include <stddef.h>
#include <string.h>

#include "basic/macro.h"

#define MAGIC			 0xef53
#define COMPAT_HAS_JOURNAL	 0x4
#define COMPAT_EXT_ATTR		 0x8
#define COMPAT_ORPHAN_FILE	 0x1000
#define INCOMPAT_RECOVER	 0x4
#define RO_COMPAT_LARGE_FILE	 0x2
#define RO_COMPAT_DIR_NLINK	 0x20
#define RO_COMPAT_METADATA_CSUM	 0x400
#define RO_COMPAT_ORPHAN_PRESENT 0x10000
#define STATE_VALID		 0x1 /* unmounted cleanly, or in use with a journal */
#define STATE_ALL		 0x7
#define LOG_BLOCK_SIZE_MAX	 6 /* 64 KiB */

enum {
	INODES_COUNT = 0x00,
	BLOCKS_COUNT = 0x04,
	FREE_BLOCKS_COUNT = 0x0c,
	FREE_INODES_COUNT = 0x10,
	FIRST_DATA_BLOCK = 0x14,
	LOG_BLOCK_SIZE = 0x18,
	BLOCKS_PER_GROUP = 0x20,
	MAGIC_NUMBER = 0x38,
	STATE = 0x3a,
	FIRST_INO = 0x54,
	BLOCK_GROUP_NUMBER = 0x5a,
	FEATURE_COMPAT = 0x5c,
	FEATURE_INCOMPAT = 0x60,
	FEATURE_RO_COMPAT = 0x64,
	LAST_ORPHAN = 0xe8,
	BLOCKS_COUNT_HI = 0x150,
	FREE_BLOCKS_COUNT_HI = 0x158,
	CHECKSUM = 0x3fc,
};

/*
 * What the kernel or e2fsck changes in the superblock and not in its copies; all else is compared.
 * Sources: fs/ext4 of Linux, ext4_commit_super() unless noted, and e2fsck/unix.c. What tune2fs changes,
 * such as the label, and what changes when the file system grows, it has in the copies too.
 */
static const struct {
	unsigned offset, bytes;
} run_time_fields[] = {
	{ FREE_BLOCKS_COUNT, 4 },
	{ FREE_INODES_COUNT, 4 },
	{ 0x2c, 4 },	    /* mtime: ext4_setup_super() */
	{ 0x30, 4 },	    /* wtime */
	{ 0x34, 2 },	    /* mnt_count: ext4_setup_super(); e2fsck resets it */
	{ 0x36, 2 },	    /* max_mnt_count: ext4_setup_super(), if it is 0 */
	{ STATE, 2 },	    /* mounting, unmounting, errors */
	{ 0x40, 4 },	    /* lastcheck: e2fsck */
	{ 0x88, 64 },	    /* last_mounted: ext4_sample_last_mounted() */
	{ LAST_ORPHAN, 4 }, /* ext4_orphan_add(), ext4_orphan_del() */
	{ FREE_BLOCKS_COUNT_HI, 4 },
	{ 0x178, 8 },	/* kbytes_written */
	{ 0x194, 108 }, /* error_count to last_error_func: ext4_handle_error() */
	{ 0x248, 4 },	/* overhead_clusters: ext4_update_overhead() */
	{ 0x27a, 2 },	/* first and last_error_errcode */
	{ CHECKSUM, 4 },
	/* In a copy, the number of the group that it is in. */
	{ BLOCK_GROUP_NUMBER, 2 },
};

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le32_pair(const unsigned char *p, unsigned low, unsigned high)
{
	return (uint64_t)le32(p + high) << 32 | le32(p + low);
}

static void put_le32(unsigned char *p, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (unsigned char)(value >> 8 * i);
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

/* Makes equal what the kernel adds (@added) or sets and clears (@free) while it is mounted. */
static void level_features(unsigned char *superblock, unsigned char *backup, unsigned offset,
			   uint32_t added, uint32_t free)
{
	uint32_t of_backup = le32(backup + offset) & ~free;

	put_le32(backup + offset, of_backup);
	put_le32(superblock + offset, le32(superblock + offset) & ~free & ~(added & ~of_backup));
}

bool ext4_matches(const unsigned char *superblock, const unsigned char *backup)
{
	unsigned char a[EXT4_SUPERBLOCK_BYTES], b[EXT4_SUPERBLOCK_BYTES];
	uint32_t compat = le32(backup + FEATURE_COMPAT);

	memcpy(a, superblock, sizeof(a));
	memcpy(b, backup, sizeof(b));
	for (size_t i = 0; i < ELEMENTSOF(run_time_fields); i++) {
		memset(a + run_time_fields[i].offset, 0, run_time_fields[i].bytes);
		memset(b + run_time_fields[i].offset, 0, run_time_fields[i].bytes);
	}
	/* ext4_xattr_update_super_block() */
	level_features(a, b, FEATURE_COMPAT, COMPAT_EXT_ATTR, 0);
	/* Mounting and unmounting; a copy has it if the file system grew while it was mounted. */
	level_features(a, b, FEATURE_INCOMPAT, 0,
		       compat & COMPAT_HAS_JOURNAL ? INCOMPAT_RECOVER : 0);
	/* ext4_do_update_inode(), ext4_inc_count(); mounting and unmounting */
	level_features(a, b, FEATURE_RO_COMPAT, RO_COMPAT_LARGE_FILE | RO_COMPAT_DIR_NLINK,
		       compat & COMPAT_ORPHAN_FILE ? RO_COMPAT_ORPHAN_PRESENT : 0);
	return memcmp(a, b, sizeof(a)) == 0;
}

bool ext4_is_in_range(const unsigned char *superblock)
{
	uint32_t inodes = le32(superblock + INODES_COUNT), orphan = le32(superblock + LAST_ORPHAN);

	if ((le32(superblock + MAGIC_NUMBER) >> 16 & ~(uint32_t)STATE_ALL) != 0 ||
	    (le32(superblock + BLOCK_GROUP_NUMBER) & 0xffff) != 0)
		return false;
	if (orphan != 0 && (orphan < le32(superblock + FIRST_INO) || orphan > inodes))
		return false;
	return le32(superblock + FREE_INODES_COUNT) <= inodes &&
	       le32_pair(superblock, FREE_BLOCKS_COUNT, FREE_BLOCKS_COUNT_HI) <=
		       le32_pair(superblock, BLOCKS_COUNT, BLOCKS_COUNT_HI);
}

bool ext4_must_have_empty_journal(const unsigned char *superblock)
{
	return le32(superblock + FEATURE_COMPAT) & COMPAT_HAS_JOURNAL &&
	       !(le32(superblock + FEATURE_INCOMPAT) & INCOMPAT_RECOVER);
}

void ext4_repair(unsigned char *superblock)
{
	/* Not the flag of errors: e2fsck -p would leave the list of orphans alone, and then give up. */
	superblock[STATE] &= (unsigned char)~STATE_VALID;
	put_le32(superblock + CHECKSUM, crc32c(superblock, CHECKSUM));
}
