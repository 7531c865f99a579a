/* SPDX-License-Identifier: MIT */
#include "superblock/journal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "superblock/ext4.h"

/* Of the superblock: a copy of the journal inode's map of blocks. */
#define LOG_BLOCK_SIZE 0x18
#define JOURNAL_BLOCKS 0x10c

#define DEPTH_MAX     5 /* of a tree of extents; fs/ext4/extents.c */
#define EXTENT_MAGIC  0xf30a
#define JOURNAL_MAGIC 0xc03b3998 /* big-endian, as all of the journal */

/* Layout: Documentation/filesystems/ext4/ifork.rst and journal.rst of the kernel. */
struct extent_node {
	uint16_t magic, entries, max, depth;
	uint32_t generation;
	uint32_t first; /* of the file's blocks, here and below */
	union {
		struct {
			uint16_t length, start_high;
			uint32_t start_low;
		} leaf; /* depth 0 */
		struct {
			uint32_t node_low;
			uint16_t node_high, unused;
		} index;
	};
};

struct journal_superblock {
	uint32_t magic, type, sequence;
	uint32_t block_size, blocks, first, first_sequence;
	uint32_t start; /* 0: it is empty */
};

static int read_block(int fd, uint64_t block, uint32_t block_size, void *data, size_t n)
{
	ssize_t got = block > INT64_MAX / block_size ?
			      0 :
			      pread(fd, data, n, (off_t)(block * block_size));

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EBADMSG;
}

/* The block that an entry of a node leads to. */
static uint64_t target(const struct extent_node *node)
{
	if (le16toh(node->depth) == 0)
		return (uint64_t)le16toh(node->leaf.start_high) << 32 |
		       le32toh(node->leaf.start_low);
	return (uint64_t)le16toh(node->index.node_high) << 32 | le32toh(node->index.node_low);
}

/* The first block of a file; without extents, it is the first of the map. */
static int first_block(int fd, const unsigned char *map, uint32_t block_size, uint64_t *ret)
{
	struct extent_node node;
	uint32_t direct;

	memcpy(&node, map, sizeof(node));
	memcpy(&direct, map, sizeof(direct));
	*ret = le32toh(direct);
	for (int i = 0; i < DEPTH_MAX && le16toh(node.magic) == EXTENT_MAGIC; i++) {
		int err;

		if (node.entries == 0 || node.first != 0)
			return -EBADMSG;
		*ret = target(&node);
		if (le16toh(node.depth) == 0)
			return 0;
		err = read_block(fd, *ret, block_size, &node, sizeof(node));
		if (err < 0)
			return err;
		*ret = 0;
	}
	return *ret == 0 ? -EBADMSG : 0;
}

int journal_is_empty(int fd, const unsigned char *superblock)
{
	struct journal_superblock journal;
	uint32_t block_size = UINT32_C(1024) << superblock[LOG_BLOCK_SIZE];
	uint64_t block;
	int err = first_block(fd, superblock + JOURNAL_BLOCKS, block_size, &block);

	if (err >= 0)
		err = read_block(fd, block, block_size, &journal, sizeof(journal));
	if (err < 0)
		return err;
	if (be32toh(journal.magic) != JOURNAL_MAGIC)
		return -EBADMSG;
	return journal.start == 0;
}
