/* SPDX-License-Identifier: MIT */
/* What fsck does at boot: to /, before rofs can act, and to partitions. */
#include <string.h>
#include <sys/vfs.h>

#include "basic/file-system.h"
#include "basic/mount-point.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "rofs/check/check.h"
#include "system/initramfs.h"

/* The type of the root; what a tree lies on says nothing. */
static const char *root_type(const struct checking *c, const struct fstab_entry *root)
{
	struct statfs st;
	const char *name;

	if (!c->running || fstatfs(c->l->root.lower_fd, &st) < 0)
		return root ? root->type : NULL;
	name = file_system_by_magic((unsigned long)st.f_type)->name;
	return name && *name ? name : "unknown"; /* ext4 is not */
}

/* Is this machine in a state in which what is written to its configuration is lost? */
static bool is_protected(const struct checking *c)
{
	return c->running && mount_point_at(c->l->root.root_fd, "rofs/ro");
}

static int check_initramfs(struct checking *c)
{
	const struct fstab_entry *root = c->mounts.root;
	_cleanup_initramfs_ struct initramfs x = { 0 };
	int err = initramfs_read(&c->l->root, &c->l->facts, root_type(c, root), &x);

	if (err < 0 || !x.checks || (!x.ignores_cmdline && boot_skips_fsck(c->l->cmdline)))
		return err;
	check_add(
		c, PROBLEM_FSCK_IN_INITRAMFS, NULL, root ? fstab_pos(root) : (struct pos){ 0 },
		"the initramfs, made by %s, runs fsck on %s before rofs can act: in each boot that "
		"rewrites the superblock, which a power cut can then destroy; to prevent that, "
		"%s%s%s",
		x.name, x.checks, is_protected(c) ? "boot with rofs=off and " : "", x.cure,
		x.ignores_cmdline ?
			"" :
			"; or add fsck.mode=skip to the kernel command line, with which "
			"no partition is checked either");
	return 0;
}

/* What prevents the fsck of / prevents that of partitions too. */
static void check_skipped(struct checking *c)
{
	for (size_t i = 0; i < c->l->plan.n_partitions; i++) {
		const struct plan_partition *q = &c->l->plan.partitions[i];

		if (q->conf && q->fsck_unit)
			check_add(c, PROBLEM_FSCK_SKIPPED, &q->conf->section, q->conf->section.pos,
				  "[Partition %s]: fsck.mode=skip or fastboot is on the kernel "
				  "command line, so it is not checked in spite of Check=yes; to "
				  "keep fsck from / alone, configure the initramfs instead",
				  q->conf->section.name);
	}
}

int check_fsck(struct checking *c)
{
	if (boot_skips_fsck(c->l->cmdline))
		check_skipped(c);
	return check_initramfs(c);
}
