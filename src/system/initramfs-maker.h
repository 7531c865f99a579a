/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/facts.h"
#include "system/initramfs-files.h"
#include "system/rootfs.h"

/** struct initramfs_reading - the system whose initramfs is looked at; all borrowed */
struct initramfs_reading {
	const struct rootfs *root;
	const struct facts *facts;
};

/** struct initramfs_fsck - whether the configuration of a maker puts fsck into the initramfs, and where to change that */
struct initramfs_fsck {
	bool is_contained;
	const char *
		preparation; /* commands before that of the maker, with && at the end; NULL: none */
	/*
	 * What keeps it out: "fastboot=y", a line for @file, or, if @edit, what to do in @file, which
	 * decides now. The strings are constants, but for @file, which is owned.
	 */
	const char *change;
	bool edit;
	char *file;
	const char *remark; /* behind the cure; NULL: none */
};

/**
 * struct initramfs_maker - a program that makes an initramfs
 *
 * It is the one in use if @program is there and none of @unless.
 */
struct initramfs_maker {
	const char *name, *program, *unless[2];
	/* @ret is all-zero before. Returns: 0 or -ENOMEM. */
	int (*look)(const struct initramfs_reading *x, struct initramfs_fsck *ret);
	const char *rebuild; /* the command that makes all initramfses again */
	bool ignores_cmdline, leaves_trace;
};

extern const struct initramfs_maker initramfs_makers[];
extern const size_t initramfs_n_makers;

/** initramfs_find_usr - the line of fstab for /usr, if fsck of it would write; NULL: there is none */
const struct fstab_entry *initramfs_find_usr(const struct facts *f);

/** initramfs_mkinitcpio_look - of mkinitcpio, for the table */
int initramfs_mkinitcpio_look(const struct initramfs_reading *x, struct initramfs_fsck *ret);
