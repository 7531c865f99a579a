/* SPDX-License-Identifier: MIT */
#include "ext4.h"

#define MAGIC			0xef53
#define RO_COMPAT_METADATA_CSUM 0x400
#define LOG_BLOCK_SIZE_MAX	6 /* 64 KiB */

enum {
	BLOCKS_COUNT = 0x04,
	FIRST_DATA_BLOCK = 0x14,
	LOG_BLOCK_SIZE = 0x18,
	BLOCKS_PER_GROUP = 0x20,
	MAGIC_NUMBER = 0x38,
	FEATURE_RO_COMPAT = 0x64,
	CHECKSUM = 0x3fc,
};

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* As ext4 uses it, without a final inversion. A table would not pay for a kilobyte. */
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

struct ext4_copy ext4_first_copy(const unsigned char *superblock)
{
	const struct ext4_copy none = { 0, 0 };
	uint32_t log_size = le32(superblock + LOG_BLOCK_SIZE);
	uint64_t first = le32(superblock + FIRST_DATA_BLOCK);
	uint64_t per_group = le32(superblock + BLOCKS_PER_GROUP);
	struct ext4_copy copy;

	if (log_size > LOG_BLOCK_SIZE_MAX || first > 1 || per_group == 0)
		return none;
	copy.block_size = UINT32_C(1024) << log_size;
	copy.block = first + per_group;
	/* A group has one block of bits, a bit for each of its blocks. */
	if (per_group > (uint64_t)copy.block_size * 8 ||
	    copy.block >= le32(superblock + BLOCKS_COUNT))
		return none;
	return copy;
}
