/* SPDX-License-Identifier: MIT */
#include "system/facts-read.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"

#define CMDLINE_PATH "/proc/cmdline"
#define CMDLINE_MAX  65536u /* bytes; COMMAND_LINE_SIZE of Linux is at most 4096 today */

int facts_read_boot(const struct rootfs *r, struct diag *d, char **ret_cmdline, struct boot *ret)
{
	_cleanup_free_ char *cmdline = NULL;
	struct stat st;
	size_t len;
	int err;

	err = rootfs_read(r, CMDLINE_PATH, CMDLINE_MAX, &cmdline, &len);
	if (err == -ENOMEM)
		return err;
	/* It may say rofs=off; but a writable root is nothing to guess. A tree or container has none. */
	if (err < 0 && err != -ENOENT)
		diag_error(d, (struct pos){ .file = CMDLINE_PATH },
			   "cannot be read: %s; assuming an ordinary boot", strerror(-err));
	if (err < 0)
		cmdline = strdup("");
	if (!cmdline)
		return -ENOMEM;

	*ret = boot_decide(cmdline, rootfs_stat(r, "/etc/initrd-release", &st) == 0);
	*ret_cmdline = TAKE_PTR(cmdline);
	return 0;
}

int facts_read_cmdline(const char *cmdline, struct facts *f)
{
	struct fstab_entry *e = &f->cmdline_root;
	int err = boot_value(cmdline, "rootflags=", &e->options);

	if (err < 0 || !e->options)
		return err;
	e->file = strdup(CMDLINE_PATH);
	e->dir = strdup("/");
	e->spec = strdup("");
	e->type = strdup("");
	return e->file && e->dir && e->spec && e->type ? 0 : -ENOMEM;
}

/* Returns 0, also when it cannot be known, or -ENOMEM. */
static int read_kernel_version(const struct rootfs *r, struct facts *f)
{
	_cleanup_free_ char *release = NULL;
	unsigned long major;
	char *end;
	size_t len;
	int err = rootfs_read(r, "/proc/sys/kernel/osrelease", CMDLINE_MAX, &release, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	major = strtoul(release, &end, 10);
	if (end == release || *end != '.')
		return 0;
	f->kernel_major = (unsigned)major;
	f->kernel_minor = (unsigned)strtoul(end + 1, NULL, 10);
	return 0;
}

static enum path_type type_of(const struct rootfs *r, const char *resolved, int *ret_error)
{
	struct stat st;
	int err = rootfs_stat(r, resolved, &st);

	if (err == -ENOENT || err == -ENOTDIR)
		return PATH_MISSING;
	if (err < 0)
		return *ret_error = err, PATH_UNKNOWN;
	if (S_ISDIR(st.st_mode))
		return PATH_DIRECTORY;
	return S_ISREG(st.st_mode) ? PATH_FILE : PATH_OTHER;
}

static int look_up(const struct rootfs *r, const struct mount_points *m, const char *path,
		   struct path_fact *ret)
{
	int err = rootfs_resolve_up_to(r, path, &m->all, &ret->resolved);

	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		ret->type = PATH_UNKNOWN;
		ret->error = err;
		ret->resolved = strdup(path);
		return ret->resolved ? 0 : -ENOMEM;
	}

	ret->untrusted = err == ROOTFS_UNTRUSTED;
	/* The mount point itself is a directory of the file system above. */
	ret->type = err != ROOTFS_READ && !path_set_has(&m->all, ret->resolved) ?
			    PATH_OPAQUE :
			    type_of(r, ret->resolved, &ret->error);
	return 0;
}

static int look_up_sections(const struct rootfs *r, const struct mount_points *m,
			    const struct conf *conf, struct facts *f)
{
	f->overlays = calloc(conf->n_overlays + 1, sizeof(*f->overlays));
	f->persists = calloc(conf->n_persists + 1, sizeof(*f->persists));
	if (!f->overlays || !f->persists)
		return -ENOMEM;

	for (; f->n_overlays < conf->n_overlays; f->n_overlays++)
		if (look_up(r, m, conf->overlays[f->n_overlays]->section.name,
			    &f->overlays[f->n_overlays]) < 0)
			return -ENOMEM;
	for (; f->n_persists < conf->n_persists; f->n_persists++)
		if (look_up(r, m, conf->persists[f->n_persists]->section.name,
			    &f->persists[f->n_persists]) < 0)
			return -ENOMEM;
	return 0;
}

static bool is_directory(const struct rootfs *r, const char *path)
{
	struct stat st;

	return rootfs_stat(r, path, &st) == 0 && S_ISDIR(st.st_mode);
}

int facts_read(const struct rootfs *r, const struct mount_points *m, const struct conf *conf,
	       struct facts *f)
{
	int err = read_kernel_version(r, f);

	if (err < 0)
		return err;
	f->rofs_exists = is_directory(r, "/rofs");
	f->tmp_is_plain = is_directory(r, "/tmp");
	return look_up_sections(r, m, conf, f);
}
