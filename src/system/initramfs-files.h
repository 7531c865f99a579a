/* SPDX-License-Identifier: MIT */
#pragma once

#include "software/shell-variable.h"
#include "system/rootfs.h"

/** struct initramfs_files - what configures an initramfs, in the order in which it is read; all-zero is empty */
struct initramfs_files {
	struct initramfs_file {
		char *path, *text; /* owned */
	} * list;
	size_t n;
};

/** initramfs_files_add - add one file; one that cannot be read says nothing. Returns: 0 or -ENOMEM. */
int initramfs_files_add(struct initramfs_files *f, const struct rootfs *r, const char *path);

/** struct initramfs_dirs - directories whose files are read by their names */
struct initramfs_dirs {
	const char *list[2]; /* the first masks files of one name in the second; NULL: none */
	const char *suffix;  /* of the names; NULL: as initramfs-tools takes them */
	bool by_version;     /* 9 before 10, as sort -V */
};

/** initramfs_files_add_dirs - add the files of directories. Returns: 0 or -ENOMEM. */
int initramfs_files_add_dirs(struct initramfs_files *f, const struct rootfs *r,
			     const struct initramfs_dirs *dirs);
void initramfs_files_done(struct initramfs_files *f);

/**
 * initramfs_files_variable - what a variable is set to in the end
 * @v:        with .name, otherwise all-zero
 * @word:     whose origin is asked for; NULL: that of the whole value
 * @ret_file: the last file that sets it, or brings @word into it; NULL: none. Borrowed from @f.
 *
 * Returns: 0 or -ENOMEM.
 */
int initramfs_files_variable(const struct initramfs_files *f, struct shell_variable *v,
			     const char *word, const char **ret_file);

#define _cleanup_initramfs_files_ _cleanup_(initramfs_files_done)
