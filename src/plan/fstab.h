/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "basic/file-system.h"
#include "plan/facts.h"

/* What a line of fstab means to rofs. Nothing is read here. */

/**
 * struct fstab_index - the mount points that fstab will mount at boot, by path
 *
 * Left out: swap, noauto entries without automount, the root, and API file systems: nothing of ours can be below
 * them.
 */
struct fstab_index {
	const struct fstab_entry *
		*entries; /* in the order of path_compare(); of several on one path, the first */
	size_t n;
	/* The first line for /, or that of the kernel command line; NULL: there is none. */
	const struct fstab_entry *root;
};

/** fstab_index_build - @facts is borrowed. Returns: 0 or -ENOMEM. */
int fstab_index_build(const struct facts *facts, struct fstab_index *ret);
void fstab_index_done(struct fstab_index *x);

/**
 * fstab_at_or_above - the entry mounted at @path or nearest above it, NULL when @path is on the
 * root file system.
 */
const struct fstab_entry *fstab_at_or_above(const struct fstab_index *x, const char *path);

/**
 * fstab_mount_flags - the flags of mount-flags.h that an entry says; if it is a bind, also those of what
 * it is bound from, unless it says otherwise, and except that this is read-only
 */
unsigned fstab_mount_flags(const struct fstab_index *x, const struct fstab_entry *e);

/** fstab_has_word - is @word, with its value if it has one, among the comma-separated options? */
bool fstab_has_word(const char *options, const char *word);

/** fstab_has_option - is @name (alone, or followed by '=') among the comma-separated options? */
bool fstab_has_option(const char *options, const char *name);

/**
 * fstab_option_value - the value of "NAME=VALUE" in the options
 * @ret: a copy, NULL when the option is not there; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int fstab_option_value(const char *options, const char *name, char **ret);

/**
 * fstab_options_read_only - the options of an entry, made read-only
 * @ret: "ro" and what remains without rw, ro, defaults, quota and what speaks to systemd or mount(8)
 *       about when to mount
 *
 * Returns: 0 or -ENOMEM.
 */
int fstab_options_read_only(const char *options, char **ret);

/** fstab_options_writable - "rw" and the options without ro and rw. Returns: 0 or -ENOMEM. */
int fstab_options_writable(const char *options, char **ret);

/**
 * fstab_unsound_field - the first field that cannot stand in a unit, with a control character, a byte
 * that is not UTF-8, or a backslash at its end; NULL: there is none
 *
 * An entry with one does not count. systemd cannot mount it either, but for some control characters.
 * A label is escaped, as systemd does, and can stand there with any byte but those of C1.
 */
const char *fstab_unsound_field(const struct fstab_entry *e);

/** fstab_is_sound - can all its fields stand in a unit? */
bool fstab_is_sound(const struct fstab_entry *e);

bool fstab_is_swap(const struct fstab_entry *e);

/** fstab_is_bind - does it show again a directory that is somewhere else already? */
bool fstab_is_bind(const struct fstab_entry *e);

/** fstab_is_in_ram - is it empty in each boot? */
bool fstab_is_in_ram(const struct fstab_entry *e);
/**
 * fstab_is_of_path - is it mounted from a path of this system: a bind, or the image of a file system?
 *
 * In any other first field a slash at the start says nothing: /a:/b of mergerfs, //server/share.
 */
bool fstab_is_of_path(const struct fstab_entry *e);

/** fstab_is_of_device - does its first field name a block device: a path below /dev, LABEL= or the like? */
bool fstab_is_of_device(const struct fstab_entry *e);

/** fstab_is_automount - is it mounted on first use? Then an .automount unit stands in for it. */
bool fstab_is_automount(const struct fstab_entry *e);

/** fstab_is_kept_read_only - is it / or /usr, which hold the programs? */
bool fstab_is_kept_read_only(const struct fstab_entry *e);

/** fstab_is_initrd - does the initramfs mount it, before any unit of ours? */
bool fstab_is_initrd(const struct fstab_entry *e);

/**
 * fstab_is_before_local_fs - does local-fs.target wait for it? Not for /, which is mounted from the start
 *
 * Nor for a line whose mount point is relative or has "..": systemd makes no such unit.
 */
bool fstab_is_before_local_fs(const struct fstab_entry *e);

/** fstab_is_network - does it come from the network, and so only after local-fs.target? */
bool fstab_is_network(const struct fstab_entry *e);

/**
 * fstab_is_remote - does systemd take it for one that comes from the network?
 *
 * It knows fewer types than fstab_is_network(), and goes by the type alone. Any other is required by
 * local-fs.target.
 */
bool fstab_is_remote(const struct fstab_entry *e);

/** fstab_origin - what mounts it, for a message: "fstab", or the path of another file; borrowed */
const char *fstab_origin(const struct fstab_entry *e);
/**
 * fstab_shown - the entry whose file system this one shows: itself, unless it is a bind
 *
 * Returns: @x->root where it is bound from the root.
 */
const struct fstab_entry *fstab_shown(const struct fstab_index *x, const struct fstab_entry *e);

/** fstab_needs - what must run before it, or what it is bound from or is an image on, can be mounted */
enum file_system_needs fstab_needs(const struct fstab_index *x, const struct fstab_entry *e);

/**
 * fstab_is_no_layer - would overlayfs refuse it as the lower? Type auto says nothing; rofs-prepare sees
 * it then.
 */
bool fstab_is_no_layer(const struct fstab_index *x, const struct fstab_entry *e);

/** fstab_pos - where the entry is written */
struct pos fstab_pos(const struct fstab_entry *e);

#define FSTAB_PATH "/etc/fstab"

#define _cleanup_fstab_index_ _cleanup_(fstab_index_done)
