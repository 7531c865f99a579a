/* SPDX-License-Identifier: MIT */
/* What the configuration, fstab and the kernel command line make of / in the next boot. */
#include <string.h>
#include <sys/vfs.h>

#include "basic/file-system.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "rofs/check/check.h"
#include "system/initramfs.h"

static void check_fstab_root(struct checking *c)
{
	const struct facts *f = &c->l->facts;
	const struct conf_root *root = &c->l->conf.root;
	bool keeps = root->read_only || root->section.invalid;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (strcmp(e->dir, "/") != 0 || fstab_has_option(e->options, "ro"))
			continue;
		if (keeps)
			check_add(
				c, PROBLEM_FSTAB_ROOT_WRITABLE, NULL, fstab_pos(e),
				"fstab mounts / writable (%s); rofs keeps it read-only, and only a "
				"boot without rofs, such as one for repairs, writes to it",
				e->options);
		else
			check_add(
				c, PROBLEM_ROOT_UNPROTECTED, NULL, fstab_pos(e),
				"fstab mounts / writable (%s), and ReadOnly=no in [Root] leaves it "
				"so: writes outside the overlays wear the flash; expected ro here",
				e->options);
	}
}

/* NULL: there is none, and what has mounted / is not known. */
static const struct fstab_entry *fstab_root(const struct checking *c)
{
	const struct facts *f = &c->l->facts;

	for (size_t i = f->n_fstab; i > 0; i--)
		if (strcmp(f->fstab[i - 1].dir, "/") == 0)
			return &f->fstab[i - 1];
	return NULL;
}

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
	const struct fstab_entry *root = fstab_root(c);
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

static int check_fsck(struct checking *c)
{
	if (boot_skips_fsck(c->l->cmdline))
		check_skipped(c);
	return check_initramfs(c);
}

static bool is_boot_partition(const struct fstab_entry *e)
{
	return path_is_at_or_below(e->dir, "/boot") || strcmp(e->dir, "/efi") == 0;
}

/* Is it mounted at boot, writable, and from a device? */
static bool is_written_at_boot(const struct checking *c, const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "ro") && !fstab_has_option(e->options, "noauto") &&
	       !fstab_is_automount(e) && !fstab_is_bind(e) && !fstab_is_network(e) &&
	       strcmp(e->type, "tmpfs") != 0 && !check_overlay_of(c, e->dir);
}

static void check_boot_partitions(struct checking *c)
{
	const struct facts *f = &c->l->facts;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (is_boot_partition(e) && is_written_at_boot(c, e))
			check_add(
				c, PROBLEM_BOOT_PARTITION_WRITABLE, NULL, fstab_pos(e),
				"fstab mounts %s writable (%s): each boot writes to its file "
				"system, and a power cut then can damage what the boot loader "
				"reads; add ro to its options, or noauto, and mount -o remount,rw %s before "
				"updates of the kernel or the boot loader",
				e->dir, e->type, e->dir);
	}
}

static int check_cmdline(struct checking *c)
{
	const struct pos at = { .file = "/proc/cmdline" };
	_cleanup_free_ char *off = NULL;
	int err = load_why_off(c->l, &off);

	if (err < 0)
		return err;
	if (boot_has_word(c->l->cmdline, "rw"))
		check_add(c, PROBLEM_CMDLINE_WRITABLE, NULL, at,
			  "rw on the kernel command line mounts / writable, which replays its "
			  "journal, until systemd remounts it; expected ro in the boot loader's "
			  "configuration");
	if (boot_has_word(c->l->cmdline, "systemd.volatile="))
		check_add(c, PROBLEM_CMDLINE_VOLATILE, NULL, at,
			  "systemd.volatile= mounts its own / or /var, which conflicts with rofs; "
			  "expected only one of the two");
	if (off)
		check_add(
			c, PROBLEM_BOOT_OFF, NULL, at,
			"rofs does nothing in this boot: %s; this check is about an ordinary boot",
			off);
	return 0;
}

int check_boot(struct checking *c)
{
	const struct conf_root *root = &c->l->conf.root;
	int err;

	if (root->section.pos.file && !root->read_only && !root->section.invalid)
		check_add(
			c, PROBLEM_ROOT_UNPROTECTED, NULL, conf_key_pos(&root->section, "ReadOnly"),
			"rofs does not keep / read-only: only the overlays are protected; expected "
			"ReadOnly=yes");
	check_fstab_root(c);
	check_boot_partitions(c);
	err = check_fsck(c);
	return err < 0 ? err : check_cmdline(c);
}
