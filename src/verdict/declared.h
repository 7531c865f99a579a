/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/strbuf.h"
#include "plan/mount-flags.h"
#include "verdict/observed.h"

/*
 * Is a mount as its options say? Options are those of a unit or of a line of fstab, as
 * unit/options.h gives them.
 */

/**
 * declared_lacks - what @options restrict and the mount does not: enum mount_flag
 *
 * One that the mount has in addition is no problem of protection.
 */
unsigned declared_lacks(const struct observed_mount *m, const char *options);

/** declared_has_layers - is it an overlay with the lowerdir=, upperdir= and workdir= of @options? */
bool declared_has_layers(const struct observed_mount *m, const char *options);

/** declared_add_layers - the layers among the options of an overlay: "lowerdir=/a,upperdir=/b" */
void declared_add_layers(struct strbuf *b, const char *options);

/**
 * declared_has_foreign_features - has the overlay features that none of ours has?
 * @fs_options: as the kernel shows them: those that differ from its defaults
 * @kept: its changes are kept on a partition
 */
bool declared_has_foreign_features(const char *fs_options, bool kept);

/** declared_add_foreign_features - "volatile,metacopy=on" */
void declared_add_foreign_features(struct strbuf *b, const char *fs_options, bool kept);

/**
 * declared_is_whole - is the whole file system mounted, or the subvolume or directory of @options?
 *
 * Of a btrfs whose options name none, any subvolume will do: which one is its default, only a process
 * with CAP_SYS_ADMIN can ask.
 */
bool declared_is_whole(const struct observed_mount *m, const char *options);

/**
 * declared_shows - does @m show the directory @path of what @from shows?
 * @from: NULL: of the whole file system
 * @path: clean, "/" for the same as @from
 */
bool declared_shows(const struct observed_mount *m, const struct observed_mount *from,
		    const char *path);
