/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * The superblock of a mounted file system, apart from its mounts. It is made writable or read-only by
 * fspick(2) and fsconfig(2), which leave the flags of every mount as they are, look up no device and
 * read no fstab. (The remount of mount(2) ignores the device that it is given.)
 */

/** struct superblock - how it was found */
struct superblock {
	char device[24]; /* "8:1"; that of stat(2) is another one for a subvolume of btrfs */
	char type[32];	 /* as in /proc/self/mountinfo: "ext4" */
	char options[1024]; /* of the file system, "rw,noinit_itable"; without the last ones if longer */
	bool rw;
};

/**
 * superblock_look - the superblock of what is mounted, whatever the mount says
 * @fd: of anything on it, by a mount of the caller's mount namespace; O_PATH is enough
 *
 * Returns: 0, -ENOENT if the mount is in another namespace or cannot be reached, or another -errno.
 */
int superblock_look(int fd, struct superblock *ret);

/**
 * superblock_mount_id - the ID of the mount that a descriptor is of
 * @fdinfo_fd: of its file in a directory fdinfo of /proc, just opened
 *
 * Returns: the ID, as in mountinfo, or -errno.
 */
int superblock_mount_id(int fdinfo_fd);

/**
 * superblock_each_writable - the mounts of this file system that do not have the flag ro
 * @mountinfo_fd: of a /proc/PID/mountinfo; it is closed. -errno is returned as it is.
 * @each:         gets the ID and the mount point; returns 0 to go on
 *
 * Once the superblock is writable, everybody can write there.
 *
 * Returns: what @each returned if that is not 0, else 0 or -errno.
 */
int superblock_each_writable(int mountinfo_fd, const struct superblock *s,
			     int (*each)(void *data, int id, const char *where), void *data);

/** superblock_has_option - is this one of the options of the file system? */
bool superblock_has_option(const struct superblock *s, const char *option);

/**
 * superblock_make_rw - make it writable
 * @fd:      root of a mount, in any mount namespace
 * @found:   from superblock_look()
 * @ret_why: what the file system says, if it says something; the caller frees it
 *
 * ext4 does not initialize its inode tables then. In a new file system it would begin at the first
 * moment, and write for a minute. btrfs commits the whole file system instead of writing a log tree.
 *
 * Returns: 0 or -errno.
 */
int superblock_make_rw(int fd, const struct superblock *found, char **ret_why);

/**
 * superblock_make_ro - make it read-only, with the options that it was found with
 *
 * Some file systems return to their defaults unless both of these functions repeat the options. If
 * the file system accepts them only without any, they are called without.
 *
 * Returns: 0, -EBUSY if something is open for writing or an inode without a name is in use, or -errno.
 */
int superblock_make_ro(int fd, const struct superblock *found);
