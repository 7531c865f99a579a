/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * journal_is_empty - has the journal inside an ext4 file system nothing to recover?
 * @fd:         of the device
 * @superblock: EXT4_SUPERBLOCK_BYTES that match their backup: it has a copy of the journal's inode
 *
 * Returns: 1, 0, or -errno; -EBADMSG: where the journal should be, there is none.
 */
int journal_is_empty(int fd, const unsigned char *superblock);
