/* SPDX-License-Identifier: MIT */
/* What rofs.conf cannot say: what must be known, and what is to be done before the reboot. */
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/suggest/deciding.h"

/* "/var/lib/mysql (MariaDB), ..." of what would be lost. */
static int add_losses(const struct deciding *x, struct strbuf *b)
{
	for (size_t i = 0; i < x->n_kept; i++)
		strbuf_addf(b, "%s%s of %s", i > 0 ? ", " : "", x->kept[i]->path, x->kept[i]->who);
	return b->failed ? -ENOMEM : 0;
}

static int tell_loss(struct deciding *x)
{
	_cleanup_strbuf_ struct strbuf losses = { 0 };
	int err;

	if (deciding_has_host(x) || x->n_kept == 0)
		return 0;
	err = add_losses(x, &losses);
	if (err < 0)
		return err;
	return suggested_text_add(
		&x->s->intro,
		"There is no partition for data, so the sections for it are comments. With the overlays "
		"alone, all changes are lost at power-off, including those to %s.",
		losses.text);
}

static int tell_declared(struct deciding *x)
{
	if (!x->m->declared)
		return 0;
	return suggested_text_add(
		&x->s->intro,
		"This machine has a configuration already. This suggestion for rofs.conf takes neither the "
		"present one nor the partitions that it uses into account: compare the two. "
		"Files in rofs.conf.d still apply: sections that conflict with them are left out.");
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

/* /usr on its own is mounted by the initramfs, as fstab says. */
static int step_usr(struct deciding *x, const struct fstab_entry *e)
{
	if (e->file || strcmp(e->dir, "/usr") != 0 || fstab_has_option(e->options, "ro"))
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: add the option ro to the line for /usr. Otherwise the initramfs "
		"mounts it writable, which writes to it at each boot.",
		e->line);
}

/* On another subvolume of the file system of / no overlay is of use, where rofs has a tmpfs. */
static int step_tmp(struct deciding *x, const struct fstab_entry *e)
{
	if (e->file || !x->on_root[e - x->m->facts->fstab] || strcmp(e->dir, "/tmp") != 0 ||
	    fstab_has_option(e->options, "ro"))
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: remove the line for /tmp, which is on the file system of /. rofs "
		"mounts a tmpfs on /tmp.",
		e->line);
}

static bool is_overlay_type(const char *type)
{
	return strcmp(type, "overlay") == 0 || strcmp(type, "overlayfs") == 0 ||
	       strcmp(type, "aufs") == 0;
}

/* An overlay that somebody configured by hand, on a path of which rofs makes one. */
static int step_overlay(struct deciding *x, const struct fstab_entry *e)
{
	const char *overlay = deciding_overlay_of(x, e->dir);

	if (e->file || !is_overlay_type(e->type) || !overlay || strcmp(overlay, e->dir) != 0)
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: remove the line for %s, an overlay that [Overlay %s] replaces.",
		e->line, e->dir, e->dir);
}

/*
 * An image on the root file system is read-only with it. One in an overlay would be copied to RAM as a
 * whole.
 */
static int step_image(struct deciding *x, const struct fstab_entry *e)
{
	if (e->file || !fstab_is_of_path(e) || fstab_is_bind(e) ||
	    fstab_has_option(e->options, "ro") || deciding_is_kept(x, e->spec))
		return 0;
	return suggested_text_add(
		&x->s->steps,
		"/etc/fstab, line %u: %s, an image that is mounted on %s, is on the root file system, so "
		"changes to it fail or are lost. Copy what it holds to a partition, or add the option ro.",
		e->line, e->spec, e->dir);
}

static int step_line(struct deciding *x, const struct fstab_entry *e)
{
	for (size_t i = 0; i < x->n_lines; i++) {
		const struct data_line *line = &x->lines[i];

		if (line->entry != e || line == x->host_line)
			continue;
		return suggested_text_add(
			&x->s->steps,
			"/etc/fstab, line %u: remove the line for %s, which [Partition %s] replaces.",
			e->line, e->dir, line->name);
	}
	return 0;
}

static int step_fstab(struct deciding *x)
{
	static int (*const steps[])(struct deciding *, const struct fstab_entry *) = {
		step_usr, step_tmp, step_overlay, step_image, step_line,
	};
	int err = 0;

	for (size_t i = 0; i < x->fstab.n && err >= 0; i++)
		for (size_t k = 0; k < ELEMENTSOF(steps) && err >= 0; k++)
			err = steps[k](x, x->fstab.entries[i]);
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
	if (err < 0 || !x->m->lacks_host_keys)
		return err;
	if (x->m->named_host_key)
		return suggested_text_add(
			&x->s->steps,
			"%s, which HostKey= names as a host key of SSH, does not exist, and neither does any other. "
			"Run ssh-keygen -N \"\" -f %s.",
			x->m->named_host_key, x->m->named_host_key);
	return suggested_text_add(
		&x->s->steps, "/etc/ssh has no host keys, so each boot would make new ones. Run "
			      "ssh-keygen -A.");
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

/* Is there container storage in what is copied at the first boot? */
static int step_containers(struct deciding *x)
{
	int err = 0;

	for (size_t i = 0; i < x->n_kept && err >= 0; i++) {
		const struct machine_path *p = deciding_broken_copy(x, x->kept[i]);

		if (p)
			err = suggested_text_add(
				&x->s->steps,
				"Populate=yes copies %s, but the storage of %s in %s does not work after "
				"that. Stop the service, move its storage elsewhere, and run rofs suggest "
				"again; or remove it after the first boot, and pull the images again.",
				x->kept[i]->path, p->who, p->path);
	}
	return err;
}

static int step_rofs(struct deciding *x)
{
	if (!x->m->lacks_rofs)
		return 0;
	return suggested_text_add(
		&x->s->steps, "Create the directory on which the layers are mounted: mkdir -m 0700 "
			      "/rofs");
}

static bool has_step_for(const struct suggested_text *steps, size_t n, const char *place)
{
	size_t len = strlen(place);

	for (size_t i = 0; i < n; i++)
		if (strncmp(steps->list[i], place, len) == 0 && steps->list[i][len] == ':')
			return true;
	return false;
}

/* Does the partition that is to be created cure it? */
static int is_loss(const struct deciding *x, const char *text, bool *ret)
{
	static const char header[] = "[Persist ";
	const char *section = strstr(text, header), *end = section ? strchr(section, ']') : NULL;
	_cleanup_free_ char *path = NULL;

	*ret = false;
	if (!end || deciding_has_host(x))
		return 0;
	section += strlen(header);
	path = strndup(section, (size_t)(end - section));
	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < x->n_kept && !*ret; i++)
		*ret = path_is_at_or_below(path, x->kept[i]->path);
	return 0;
}

static int add_warning(struct deciding *x, const struct machine_warning *w, size_t n_own)
{
	struct suggested_text *steps = &x->s->steps;
	bool loss;
	int err = is_loss(x, w->text, &loss);

	if (err < 0 || loss || w->kind == PROBLEM_CMDLINE_WRITABLE ||
	    w->kind == PROBLEM_HOST_KEYS_MISSING || /* step_identity() */
	    (w->place && has_step_for(steps, n_own, w->place)))
		return err;
	return suggested_text_add(steps, "%s%s%s", w->place ? w->place : "", w->place ? ": " : "",
				  w->text);
}

/* In the words of rofs check, unless one of the steps says it. */
static int step_warnings(struct deciding *x)
{
	size_t n_own = x->s->steps.n;
	int err = 0;

	for (size_t i = 0; i < x->m->n_warnings && err >= 0; i++)
		err = add_warning(x, &x->m->warnings[i], n_own);
	return err;
}

int decide_steps(struct deciding *x)
{
	static int (*const steps[])(struct deciding *) = {
		step_rofs,  step_partition, step_room,	   step_containers,
		step_fstab, step_cmdline,   step_identity, step_warnings,
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
