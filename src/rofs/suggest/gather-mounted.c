/* SPDX-License-Identifier: MIT */
/* What is mounted on this machine now, by fstab or otherwise. */
#include <string.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "rofs/suggest/gather.h"

static int add_mounted(const struct rootfs *merged, struct machine *m, const char *dir)
{
	struct stat st;
	int err;

	if (!mount_point_at(merged->root_fd, dir))
		return machine_add_dir(&m->absent, dir);
	/* rofs-prepare makes no directory where others could put something in its place. */
	err = rootfs_stat(merged, dir, &st);
	if (err < 0 || only_root_writes(&st))
		return err == -ENOMEM ? err : 0;
	return machine_add_dir(&m->foreign, dir);
}

/* struct seeing - the mounts that are seen, and what fstab says */
struct seeing {
	const struct rootfs *merged;
	struct machine *m;
	struct fstab_index fstab;
};

/*
 * Where something is mounted at or above @path, though neither fstab nor a mount unit says so: a partition
 * that systemd-gpt-auto-generator has found, or a dataset of ZFS. @ret: the path is cut off there.
 */
static bool find_other_mount(const struct seeing *x, char *path)
{
	while (*path) {
		if (mount_point_at(x->merged->root_fd, path)) {
			const struct fstab_entry *e = fstab_at_or_above(&x->fstab, path);

			return !e || strcmp(e->dir, path) != 0;
		}
		*strrchr(path, '/') = '\0';
	}
	return false;
}

static int refuse_if_mounted(const struct seeing *x, enum conf_kind kind, const char *path)
{
	_cleanup_free_ char *where = strdup(path), *why = NULL;
	int err;

	if (!where)
		return -ENOMEM;
	/* The overlay of a directory hides what is mounted on it, not what is mounted above. */
	if (!find_other_mount(x, where) || (kind == CONF_OVERLAY && strcmp(where, path) != 0))
		return 0;
	err = text_format(
		&why,
		"[%s %s]: %s is mounted now, though neither /etc/fstab nor a mount unit says so, "
		"and stays as it is; to have it in rofs.conf, add a line to /etc/fstab and run rofs "
		"suggest again.",
		conf_kind_to_string(kind), path, where);
	return err < 0 ? err : machine_refuse(x->m, kind, path, why);
}

/* On a protected machine, these are the mounts of rofs. */
static int gather_other_mounts(const struct seeing *x)
{
	struct machine *m = x->m;
	int err = 0;

	if (mount_point_at(x->merged->root_fd, "/rofs/ro"))
		return 0;
	for (size_t i = 0; i < m->directories.n && err >= 0; i++)
		err = refuse_if_mounted(x, CONF_OVERLAY, m->directories.list[i]);
	for (size_t i = 0; i < m->n_paths && err >= 0; i++)
		err = refuse_if_mounted(x, CONF_PERSIST, m->paths[i].path);
	return err;
}

/* How what fstab mounts is found now. */
int gather_mounted(const struct loaded *l, struct machine *m)
{
	const struct facts *f = &l->facts;
	_cleanup_rootfs_ struct rootfs merged = ROOTFS_INIT;
	struct seeing x = { .merged = &merged, .m = m };
	int err = rootfs_open_merged(&l->root, &merged);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		if (!fstab_is_swap(&f->fstab[i]))
			err = add_mounted(&merged, m, f->fstab[i].dir);
	if (err >= 0)
		err = fstab_index_build(f, &x.fstab);
	if (err >= 0)
		err = gather_other_mounts(&x);
	fstab_index_done(&x.fstab);
	return err < 0 ? err : 0;
}
