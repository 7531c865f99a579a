/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/facts.h"
#include "system/rootfs.h"

/*
 * What the initramfs does to the root before anything of ours runs. Its configuration is read rather
 * than its image, which is compressed.
 */

/** struct initramfs - what makes the initramfs, and whether that writes */
struct initramfs {
	const char *name; /* "initramfs-tools", NULL: none that is known is in use */
	/*
	 * What it runs fsck on, "/ and /usr", NULL: nothing. e2fsck also rewrites the superblock of a
	 * clean file system, which is not mounted yet.
	 */
	const char *checks;
	bool ignores_cmdline; /* fsck.mode=skip does not prevent it */
	bool leaves_trace;    /* for initramfs_has_checked() */
	char *cure;	      /* what to do to end that, as part of a sentence; owned */
	char *rebuild;	      /* the commands that make all initramfses again; owned */
};

/**
 * initramfs_read - find out what makes the initramfs of a system
 * @r:         what is on flash
 * @facts:     of the same system; for fstab
 * @root_type: of its root file system; NULL, "" or "auto": not known, taken for ext4
 * @ret:       initramfs_done() frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int initramfs_read(const struct rootfs *r, const struct facts *facts, const char *root_type,
		   struct initramfs *ret);
void initramfs_done(struct initramfs *x);

/** initramfs_may_be_ext - may a root of this type, as above, be one that e2fsck checks? */
bool initramfs_may_be_ext(const char *type);

/**
 * initramfs_has_checked - has initramfs-tools run fsck on the root in this boot?
 *
 * It leaves a file behind so that systemd-fsck-root.service does not do it again.
 *
 * Returns: 1, 0, or -EACCES where only root may know.
 */
int initramfs_has_checked(const struct rootfs *r);

#define _cleanup_initramfs_ _cleanup_(initramfs_done)
