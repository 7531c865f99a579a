/* SPDX-License-Identifier: MIT */
/* What fsck does at boot: to /, before rofs can act, and to partitions. */
#include <string.h>
#include <sys/vfs.h>

#include "basic/file-system.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "rofs/check/check.h"
#include "system/initramfs.h"

/* The type of the root. The file system that holds a tree of --root= says nothing. NULL: unknown. */
static int root_type(const struct checking *c, char **ret)
{
	const struct fstab_entry *root = c->mounts.root;
	struct statfs st;
	const char *name;
	int err;

	if (c->running && fstatfs(c->l->root.lower_fd, &st) == 0) {
		name = file_system_by_magic((unsigned long)st.f_type)->name;
		return text_format(ret, "%s", name && *name ? name : "unknown"); /* not ext4 */
	}
	if (root && *root->type && strcmp(root->type, "auto") != 0)
		return text_format(ret, "%s", root->type);
	err = boot_value(c->l->cmdline, "rootfstype=", ret);
	if (err >= 0 && *ret)
		(*ret)[strcspn(*ret, ",")] = '\0'; /* of a list, the first is tried first */
	return err;
}

/* Would changes to the configuration of this machine be lost now? */
static bool is_protected(const struct checking *c)
{
	return c->running && mount_point_at(c->l->root.root_fd, "rofs/ro");
}

static void check_initramfs(struct checking *c, const struct initramfs *x)
{
	const struct fstab_entry *root = c->mounts.root;

	if (!x->checks || (!x->ignores_cmdline && boot_skips_fsck(c->l->cmdline)))
		return;
	check_add(
		c, PROBLEM_FSCK_IN_INITRAMFS, NULL, root ? fstab_pos(root) : (struct pos){ 0 },
		"the initramfs, made by %s, runs fsck on %s before rofs can act: in each boot that "
		"rewrites the superblock, which a power cut can then destroy; to prevent that, "
		"%s%s%s",
		x->name, x->checks, is_protected(c) ? "boot with rofs=off and " : "", x->cure,
		x->ignores_cmdline ? "" :
				     "; or add fsck.mode=skip to the kernel command line, but then "
				     "no partition is checked either");
}

/*
 * e2fsck -f writes even where / is mounted read-only and clean: in the initramfs, or in
 * systemd-fsck-root.service, which goes by the pass number.
 */
static void check_forced(struct checking *c, const struct initramfs *x, const char *type)
{
	const struct fstab_entry *root = c->mounts.root;
	const char *word = boot_forces_fsck(c->l->cmdline);

	if (!initramfs_may_be_ext(type) || ((!root || root->passno == 0) && !x->checks))
		return;
	if (word)
		check_add(c, PROBLEM_FSCK_FORCED, NULL, (struct pos){ .file = "/proc/cmdline" },
			  "%s on the kernel command line forces a full fsck of / in each boot, "
			  "which writes to its superblock; remove %s from the boot loader's "
			  "configuration",
			  word, word);
	if (rootfs_has(&c->l->root, "/", "forcefsck"))
		check_add(c, PROBLEM_FSCK_FORCED, NULL, (struct pos){ .file = "/forcefsck" },
			  "up to systemd 257, this file forces a full fsck of / in each boot, "
			  "which writes to its superblock, and systemd cannot delete it from a "
			  "read-only /; boot with rofs=off and delete it");
}

/* What prevents the fsck of / prevents that of partitions too. */
static void check_skipped(struct checking *c)
{
	const char *why = boot_skips_fsck(c->l->cmdline) ?
				  "fsck.mode=skip or fastboot is on the kernel command line" :
			  rootfs_has(&c->l->root, "/", "fastboot") ?
				  "the file /fastboot exists, which systemd obeys up to 257" :
				  NULL;

	for (size_t i = 0; i < c->l->plan.n_partitions && why; i++) {
		const struct plan_partition *q = &c->l->plan.partitions[i];

		if (q->conf && q->fsck_unit)
			check_add(
				c, PROBLEM_FSCK_SKIPPED, &q->conf->section, q->conf->section.pos,
				"[Partition %s]: %s, so it is not checked despite "
				"Check=yes; to prevent only the fsck of /, configure the initramfs "
				"instead",
				q->conf->section.name, why);
	}
}

int check_fsck(struct checking *c)
{
	_cleanup_initramfs_ struct initramfs x = { 0 };
	_cleanup_free_ char *type = NULL;
	int err = root_type(c, &type);

	if (err >= 0)
		err = initramfs_read(&c->l->root, &c->l->facts, type, &x);
	if (err < 0)
		return err;
	check_initramfs(c, &x);
	check_forced(c, &x, type);
	check_skipped(c);
	return 0;
}
