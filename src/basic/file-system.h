/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/** enum layer_use - can a file system be a layer of overlayfs? */
enum layer_use {
	LAYER_ANY,
	LAYER_UNLESS_CASEFOLD, /* not if it was made with case-insensitive names, on some kernels */
	LAYER_NEVER,
};

/** enum file_system_needs - what must run before it can be mounted, besides its device */
enum file_system_needs {
	NEEDS_NOTHING,
	NEEDS_NETWORK,
	NEEDS_DAEMON,	/* a program serves it */
	NEEDS_SERVICES, /* services of its own find and import its devices */
	_NEEDS_MAX,
};

/**
 * struct file_system - what rofs needs to know of a type
 *
 * Sources: Linux, fs/overlayfs ovl_dentry_weird() (names that ignore case, automounts), and
 * Documentation/filesystems/overlayfs.rst; mount(8) for those whose owners are mount options;
 * systemd, fstype_is_network() in src/basic/mountpoint-util.c and its set "@network"; mount.fuse(8)
 * and the mount.TYPE programs of the packages in Debian for those that a daemon serves.
 */
struct file_system {
	const char *name;    /* as in fstab, and in Type= */
	unsigned long magic; /* f_type of statfs(2), linux/magic.h; 0: seen by its name only */
	enum layer_use layer;
	bool no_owners; /* uid=, gid= and umask= decide: chown(2) fails, chmod(2) does nothing */
	bool no_device; /* in RAM, of the kernel or a host, or shows what others hold */
	bool read_only; /* nobody can write to it */
	enum file_system_needs needs;
	bool is_remote; /* systemd knows, in each version from 247 or 248 on, that it needs the network */
};

/**
 * file_system_by_name, file_system_by_magic - look a type up
 *
 * By its name also what FUSE mounts, as fuse.TYPE or fuseblk.TYPE: known or not, a daemon serves it.
 *
 * Returns: never NULL; a type that is not in the table has no name and no restriction.
 */
const struct file_system *file_system_by_name(const char *name);
const struct file_system *file_system_by_magic(unsigned long magic);

/**
 * file_system_by_spec - look up what a line of fstab mounts
 *
 * As by its name, but the device can say more: mfsmount or sshfs#user@host:, with which mount.fuse(8)
 * names the program, or host:/path and //host/share, where the type is auto.
 */
const struct file_system *file_system_by_spec(const char *spec, const char *type);

/** file_system_is_remote - does systemd mount this type, as it is written, before remote-fs.target? */
bool file_system_is_remote(const char *type);

/** file_system_needs_to_string - how it is mounted: "from the network"; "" for NEEDS_NOTHING */
const char *file_system_needs_to_string(enum file_system_needs needs);

/** file_system_is_on_device - can a block device of this machine hold it, and be mounted early? */
bool file_system_is_on_device(const char *name);

/** file_system_holds_uppers - can it keep the changes of overlays? */
bool file_system_holds_uppers(const char *name);

/** file_system_is_never_written - is it one that is made once, such as squashfs? */
bool file_system_is_never_written(const char *name);

/** file_system_is_ext - ext2, ext3 or ext4? Each can be mounted as a later one. */
bool file_system_is_ext(const char *name);

/** file_system_is_same - do two names mean the same, to mount(8) and to libblkid? */
bool file_system_is_same(const char *one, const char *two);
