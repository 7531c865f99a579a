/* SPDX-License-Identifier: MIT */
/* What the configuration, fstab and the kernel command line make of / in the next boot. */
#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"
#include "plan/subvolume.h"
#include "rofs/check/check.h"

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

static bool is_boot_partition(const struct fstab_entry *e)
{
	return path_is_at_or_below(e->dir, "/boot") || strcmp(e->dir, "/efi") == 0;
}

/* Is it mounted at boot, writable, and from a device? */
static bool is_written_at_boot(const struct checking *c, const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "ro") && !fstab_has_option(e->options, "noauto") &&
	       !fstab_is_automount(e) && !fstab_is_bind(e) && !fstab_is_network(e) &&
	       !file_system_by_name(e->type)->read_only && strcmp(e->type, "tmpfs") != 0 &&
	       !check_overlay_of(c, e->dir);
}

/* Of a subvolume on the file system of /, check_subvolumes() tells it. */
static bool is_on_root(const struct checking *c, const struct fstab_entry *e)
{
	const struct fstab_entry *root = c->mounts.root;

	return root && subvolume_is_btrfs(root) && c->l->plan.n_remounts > 0 &&
	       strcmp(root->spec, e->spec) == 0;
}

static void check_boot_partitions(struct checking *c)
{
	const struct facts *f = &c->all;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (is_boot_partition(e) && is_written_at_boot(c, e) && !is_on_root(c, e))
			check_add(
				c, PROBLEM_BOOT_PARTITION_WRITABLE, NULL, fstab_pos(e),
				"%s mounts %s writable (%s), so each boot writes to its file "
				"system, and a power cut then can damage what the boot loader "
				"reads; add ro to its options%s, and mount -o remount,rw %s before "
				"updates of the kernel or the boot loader",
				fstab_origin(e), e->dir, e->type,
				e->file ? "" : ", or noauto" /* no option of a unit */, e->dir);
	}
}

/* rofs keeps it read-only, but only after the initramfs has mounted it as fstab says. */
static void check_usr(struct checking *c)
{
	const struct facts *f = &c->l->facts;

	for (size_t i = 0; i < f->n_fstab && c->l->plan.n_remounts > 0; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (strcmp(e->dir, "/usr") == 0 && is_written_at_boot(c, e))
			check_add(
				c, PROBLEM_USR_WRITABLE, NULL, fstab_pos(e),
				"fstab mounts /usr writable (%s), which the initramfs does before "
				"rofs can act, so each boot writes to its file system; add ro to its "
				"options",
				e->options);
	}
}

static int check_cmdline(struct checking *c)
{
	const struct pos at = { .file = "/proc/cmdline" };
	_cleanup_free_ char *off = NULL;
	int err = load_why_off(c->l, &off);

	if (err < 0)
		return err;
	if (boot_mounts_writable(c->l->cmdline))
		check_add(c, PROBLEM_CMDLINE_WRITABLE, NULL, at,
			  "rw on the kernel command line mounts / writable, which replays its "
			  "journal, until systemd remounts it; expected ro in the boot loader's "
			  "configuration");
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

	if (root->section.pos.file && !root->read_only && !root->section.invalid)
		check_add(
			c, PROBLEM_ROOT_UNPROTECTED, NULL, conf_key_pos(&root->section, "ReadOnly"),
			"rofs does not keep / read-only: only the overlays are protected; expected "
			"ReadOnly=yes");
	check_fstab_root(c);
	check_boot_partitions(c);
	check_usr(c);
	return check_cmdline(c);
}
