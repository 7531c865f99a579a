/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "basic/diag.h"
#include "basic/macro.h"
#include "basic/path-set.h"

/**
 * struct rootfs - the system without its overlays, from which everything is read
 *
 * At boot that is "/" itself. Later, at each daemon-reload, overlays cover /etc and others: then it
 * is /rofs/ro, so that the units come out the same. /run, /proc, and a /usr on a file system of its
 * own are not below /rofs/ro, and always read from the root.
 */
struct rootfs {
	int root_fd;
	int lower_fd; /* /rofs/ro if it is mounted, else a copy of root_fd */
	bool usr_is_separate;
	/*
	 * Mount points at which reading ends: what is below them counts as missing. NULL: none.
	 * Borrowed.
	 */
	const struct path_set *late;
	/* Where it is recorded that the system failed to read something. NULL: nowhere. Borrowed. */
	struct diag *diag;
};

/**
 * rootfs_open - open the system below @dir
 * @dir: "/" or a tree to read instead (ROFS_ROOT)
 * @ret: set on success; rootfs_done() closes it
 *
 * Returns: 0 or -errno.
 */
int rootfs_open(const char *dir, struct rootfs *ret);

/** rootfs_open_at - as rootfs_open(); a relative @dir begins at @dir_fd. Returns: 0 or -errno. */
int rootfs_open_at(int dir_fd, const char *dir, struct rootfs *ret);
void rootfs_done(struct rootfs *r);

/**
 * rootfs_open_merged - the same system as programs see it now, through the overlays
 *
 * Returns: 0 or -errno.
 */
int rootfs_open_merged(const struct rootfs *r, struct rootfs *ret);

/**
 * rootfs_open_below - the tree at @path as a system of its own
 *
 * Returns: 0 or -errno.
 */
int rootfs_open_below(const struct rootfs *r, const char *path, struct rootfs *ret);

/** rootfs_is_closed - does /rofs exist, but not for this user to look into? */
bool rootfs_is_closed(const struct rootfs *r);

/**
 * rootfs_resolve - follow symbolic links, inside the system being read, as far as the path exists
 * @path: clean, absolute
 * @ret:  clean path without links; its tail may not exist. The caller frees it.
 *
 * Returns: 0, -ELOOP, -ENAMETOOLONG, -ENOMEM or another -errno.
 */
int rootfs_resolve(const struct rootfs *r, const char *path, char **ret);

/** enum rootfs_end - where a resolved path ends */
enum rootfs_end {
	ROOTFS_READ,	  /* all of it has been looked at */
	ROOTFS_BELOW,	  /* at or below a mount point */
	ROOTFS_UNTRUSTED, /* at or below a link that users other than root could have made or moved */
};

/**
 * rootfs_resolve_up_to - as rootfs_resolve(), but nothing at or below a mount point is looked at
 * @mount_points: where to stop, resolved themselves; NULL: nowhere
 *
 * What follows a mount point is taken literally. With @mount_points, the same goes for a link, unless it
 * and all directories above it belong to root or to the owner of the root directory, and neither group nor
 * others may write to these.
 *
 * Returns: enum rootfs_end; as rootfs_resolve() on failure, and -EXDEV where ".." in a link leads back
 * from below a place where reading ends.
 */
int rootfs_resolve_up_to(const struct rootfs *r, const char *path,
			 const struct path_set *mount_points, char **ret);

/** rootfs_stat - lstat() of a resolved path. Returns: 0 or -errno. */
int rootfs_stat(const struct rootfs *r, const char *resolved, struct stat *ret);

/**
 * rootfs_has - is there something called @name in the directory @dir? A link that leads nowhere is.
 *
 * Links on the way to @dir are followed inside the system.
 */
bool rootfs_has(const struct rootfs *r, const char *dir, const char *name);

/** rootfs_has_link - the same, and is it a symbolic link? */
bool rootfs_has_link(const struct rootfs *r, const char *dir, const char *name);

/**
 * rootfs_is_masked - is @path a link to /dev/null, in one step or several?
 *
 * That is how an administrator disables a file of the vendor's, as with systemctl mask.
 */
bool rootfs_is_masked(const struct rootfs *r, const char *path);

/**
 * rootfs_open_dir - open the directory at @path, following links inside the system. Returns: a
 * descriptor or -errno.
 */
int rootfs_open_dir(const struct rootfs *r, const char *path);

/**
 * rootfs_read - read a whole regular file, following links inside the system
 * @max:     largest size in bytes
 * @ret:     the contents, followed by a NUL; the caller frees it
 * @ret_len: bytes without that NUL
 *
 * Never blocks: rejects anything but a regular file before reading it. Files in /proc have size 0
 * and are read all the same.
 *
 * Returns: 0, -EISDIR, -ENXIO (a FIFO, device or socket), -EFBIG, or another -errno.
 */
int rootfs_read(const struct rootfs *r, const char *path, size_t max, char **ret, size_t *ret_len);

/**
 * rootfs_note_unread - record that the system failed to read something, as the functions here do
 * @err: what only says that it is missing, or no file of ours, is not such a failure
 */
void rootfs_note_unread(int err, struct diag *d);

/** rootfs_note - the same in @r's, for calls on a descriptor from here. Returns: @err. */
int rootfs_note(const struct rootfs *r, int err);

/** rootfs_explain - why a file of at most 1 MiB, which is there, cannot be read, for a message */
const char *rootfs_explain(int err);

/**
 * rootfs_read_public - as rootfs_read(), but only what any user could have read
 *
 * Each directory on the way, also on that of a link, and the file itself must be open to the group
 * and to all others. ACLs are not looked at.
 *
 * Returns: as rootfs_read(); -EACCES where some user could not.
 */
int rootfs_read_public(const struct rootfs *r, const char *path, size_t max, char **ret,
		       size_t *ret_len);

/** rootfs_is_public_dir - could any user go through the directory at @path? */
bool rootfs_is_public_dir(const struct rootfs *r, const char *path);

#define ROOTFS_INIT                           \
	{                                     \
		.root_fd = -1, .lower_fd = -1 \
	}

#define _cleanup_rootfs_ _cleanup_(rootfs_done)
