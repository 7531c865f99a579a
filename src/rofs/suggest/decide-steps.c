/* SPDX-License-Identifier: MIT */
/* What rofs.conf cannot say: what must be known, and what is to be done before the reboot. */
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/suggest/deciding.h"

#define LARGE_LOGS_BYTES ((uint64_t)16 << 20)

/* "/var/lib/mysql (MariaDB), ..." of what would be lost. */
static int add_losses(const struct deciding *x, struct strbuf *b, bool *ret_databases)
{
	*ret_databases = false;
	for (size_t i = 0; i < x->n_kept; i++) {
		strbuf_addf(b, "%s%s of %s", i > 0 ? ", " : "", x->kept[i]->path, x->kept[i]->who);
		*ret_databases = *ret_databases || x->kept[i]->use == USE_DATA;
	}
	return b->failed ? -ENOMEM : 0;
}

static int tell_loss(struct deciding *x)
{
	_cleanup_strbuf_ struct strbuf losses = { 0 };
	bool databases;
	int err;

	if (deciding_has_host(x) || x->n_kept == 0)
		return 0;
	err = add_losses(x, &losses, &databases);
	if (err < 0)
		return err;
	return suggested_text_add(
		&x->s->intro,
		"There is no partition for data, so the sections for it are comments. With the overlays "
		"alone, all changes are lost at power-off, also those to %s.%s",
		losses.text,
		databases ? " Databases lose everything that was written to them since the boot." :
			    "");
}

static int tell_declared(struct deciding *x)
{
	if (!x->m->declared)
		return 0;
	return suggested_text_add(
		&x->s->intro,
		"This machine has a rofs.conf already. This is a new suggestion, which does not take it "
		"into account, nor the partitions that it uses: compare the two. Files in rofs.conf.d apply in addition to either.");
}

int decide_intro(struct deciding *x)
{
	int err = suggested_text_add(
		&x->s->intro,
		"Suggested by rofs suggest for this machine. Read it before you use it: it is "
		"deduced from the installed services and from /etc/fstab. See rofs.conf(5).");

	if (err >= 0 && x->m->unread)
		err = suggested_text_add(
			&x->s->intro,
			"Some files and directories could not be read, so this may lack sections. "
			"Run rofs suggest as root.");
	if (err >= 0)
		err = tell_declared(x);
	return err < 0 ? err : tell_loss(x);
}

static int step_partition(struct deciding *x)
{
	if (deciding_has_host(x) || x->n_kept == 0)
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"Create a partition for data, with a label: mkfs.ext4 -L %s /dev/... Then run rofs "
		"suggest again, or remove the number signs before the sections below. Skip "
		"this step only if these losses are acceptable.",
		x->host_name);
}

static const char *initramfs_command(enum initramfs i)
{
	switch (i) {
	case INITRAMFS_TOOLS:
		return "update-initramfs -u -k all";
	case INITRAMFS_DRACUT:
		return "dracut --force --regenerate-all";
	case INITRAMFS_MKINITCPIO:
		return "mkinitcpio -P";
	case INITRAMFS_NONE:
	case _INITRAMFS_MAX:
		break;
	}
	return NULL;
}

/* An initramfs that checks / rewrites its superblock at each boot, before rofs can act. */
static int step_root(struct deciding *x)
{
	const struct fstab_entry *e = x->fstab.root;
	const char *command = initramfs_command(x->m->initramfs);

	if (!e || e->file || e->line == 0 || e->passno == 0)
		return 0;
	if (!command)
		return suggested_text_add(
			&x->s->steps,
			"/etc/fstab, line %u: set the last field of the line for / to 0. Otherwise fsck "
			"writes to / at each boot.",
			e->line);
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: set the last field of the line for / to 0, and run %s. Otherwise the "
		"initramfs runs fsck, which writes to / at each boot.",
		e->line, command);
}

/* /usr on its own is mounted by the initramfs, as fstab says. */
static int step_usr(struct deciding *x, const struct fstab_entry *e)
{
	const char *command = initramfs_command(x->m->initramfs);

	if (strcmp(e->dir, "/usr") != 0 || (fstab_has_option(e->options, "ro") && e->passno == 0))
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: add the option ro to the line for /usr and set its last field to "
		"0%s%s. Otherwise the initramfs writes to it at each boot.",
		e->line, command ? ", and run " : "", command ? command : "");
}

static int step_boot(struct deciding *x, const struct fstab_entry *e)
{
	if (!(path_is_at_or_below(e->dir, "/boot") || path_is_at_or_below(e->dir, "/efi")) ||
	    fstab_has_option(e->options, "ro") || fstab_is_automount(e) || fstab_is_bind(e) ||
	    x->on_root[e - x->m->facts->fstab])
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: add the option ro to the line for %s. Otherwise mounting it writes "
		"to it at each boot.",
		e->line, e->dir);
}

/* Another subvolume of the file system of /, where no overlay is of use. */
static int step_on_root(struct deciding *x, const struct fstab_entry *e)
{
	if (!x->on_root[e - x->m->facts->fstab] || deciding_overlay_of(x, e->dir) ||
	    fstab_has_option(e->options, "ro"))
		return 0;
	if (path_is_at_or_below(e->dir, "/tmp"))
		return suggested_text_add(
			&x->s->steps,
			"/etc/fstab, line %u: remove the line for %s, which is on the file system of /. "
			"rofs mounts a tmpfs on /tmp.",
			e->line, e->dir);
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: add the option ro to the line for %s. It is on the file system of /, "
		"which would be written to.",
		e->line, e->dir);
}

static int step_line(struct deciding *x, const struct fstab_entry *e)
{
	for (size_t i = 0; i < x->n_lines; i++) {
		const struct data_line *line = &x->lines[i];

		if (line->entry != e)
			continue;
		if (line == x->host_line)
			return suggested_text_add(
				&x->s->steps,
				"/etc/fstab, line %u: keep the line for %s. rofs mounts the partition once, "
				"and binds it there; rofs check warns of that.",
				e->line, e->dir);
		return suggested_text_add(
			&x->s->steps,
			"/etc/fstab, line %u: remove the line for %s, which [Partition %s] replaces.",
			e->line, e->dir, line->name);
	}
	return 0;
}

static int step_fstab(struct deciding *x)
{
	int err = step_root(x);

	for (size_t i = 0; i < x->fstab.n && err >= 0; i++) {
		const struct fstab_entry *e = x->fstab.entries[i];

		err = step_usr(x, e);
		if (err >= 0)
			err = step_boot(x, e);
		if (err >= 0)
			err = step_on_root(x, e);
		if (err >= 0)
			err = step_line(x, e);
	}
	return err;
}

static const char *boot_loader_advice(enum boot_loader b)
{
	switch (b) {
	case BOOT_LOADER_GRUB:
		return "in /etc/default/grub or below /etc/grub.d, then run update-grub or "
		       "grub-mkconfig -o /boot/grub/grub.cfg";
	case BOOT_LOADER_SYSTEMD:
		return "in /etc/kernel/cmdline and in the entries of the boot loader";
	case BOOT_LOADER_RASPBERRY_PI:
		return "in cmdline.txt of the boot partition";
	case BOOT_LOADER_UNKNOWN:
	case _BOOT_LOADER_MAX:
		break;
	}
	return "in the configuration of the boot loader";
}

static int step_cmdline(struct deciding *x)
{
	if (!x->m->boots_rw)
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"Kernel command line: replace rw by ro, %s. With rw, / is writable until systemd "
		"remounts it, and its journal is replayed.",
		boot_loader_advice(x->m->boot_loader));
}

static int step_identity(struct deciding *x)
{
	int err = 0;

	if (!x->m->has_machine_id)
		err = suggested_text_add(
			&x->s->steps,
			"/etc/machine-id holds no ID, so each boot has a new one, and the journal of the "
			"boot before is not found. For one machine, run systemd-machine-id-setup; an image "
			"for many machines stays as it is.");
	if (err >= 0 && x->m->lacks_host_keys)
		err = suggested_text_add(
			&x->s->steps,
			"/etc/ssh has no host keys, so each boot would make new ones. Run "
			"ssh-keygen -A.");
	return err;
}

static int step_logs(struct deciding *x)
{
	char size[TEXT_BYTES_MAX];

	for (size_t i = 0; i < x->m->n_paths; i++) {
		const struct machine_path *p = &x->m->paths[i];

		if (p->use == USE_LOG && p->bytes >= LARGE_LOGS_BYTES &&
		    deciding_overlay_of(x, p->path) && !deciding_is_kept(x, p->path))
			return suggested_text_add(
				&x->s->steps,
				"Rotate the logs in %s, %s, which would be copied to RAM: logrotate "
				"--force /etc/logrotate.conf",
				p->path, text_bytes(size, p->bytes));
	}
	return 0;
}

/* Does what is copied at the first boot fit? */
static int step_room(struct deciding *x)
{
	char wanted[TEXT_BYTES_MAX], there[TEXT_BYTES_MAX];

	if (!x->host_device || deciding_fits(x, x->host_device))
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"Make room: %s are copied to the partition %s, which has %s. Use a larger one, or remove "
		"Populate=yes where the content is not needed.",
		text_bytes(wanted, deciding_populated_bytes(x)), x->host_device->node,
		text_bytes(there, x->host_device->bytes));
}

static int step_rofs(struct deciding *x)
{
	if (!x->m->lacks_rofs)
		return 0;
	return suggested_text_add(
		&x->s->steps, "Create the directory on which the layers are mounted: mkdir -m 0700 "
			      "/rofs");
}

int decide_steps(struct deciding *x)
{
	static int (*const steps[])(struct deciding *) = {
		step_rofs,    step_partition, step_room, step_fstab,
		step_cmdline, step_identity,  step_logs,
	};
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(steps) && err >= 0; i++)
		err = steps[i](x);
	if (err < 0)
		return err;
	return suggested_text_add(
		&x->s->steps, "Run rofs check. It must report no error. Then reboot, and run rofs "
			      "status.");
}
