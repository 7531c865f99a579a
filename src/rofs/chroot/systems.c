/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/systems.h"

#include <libmount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"

void systems_done(struct chroot *c)
{
	for (size_t i = 0; i < c->n_systems; i++) {
		struct chroot_system *s = &c->systems[i];

		if (s->copied)
			closep(&s->fd);
		delta_done(&s->delta);
		free(s->path);
		free(s->where);
		free(s->device);
		free(s->upper);
	}
	free(c->systems);
	c->systems = NULL;
	c->n_systems = 0;
}

static int add(struct chroot *c, const char *path, const char *where)
{
	struct chroot_system s = { .fd = -1, .layers_fd = -1 };

	if (array_reserve(c->systems, c->n_systems) < 0)
		return -ENOMEM;
	s.path = strdup(path);
	s.where = strdup(where);
	c->systems[c->n_systems++] = s;
	return s.path && s.where ? 0 : -ENOMEM;
}

static bool has(const struct chroot *c, const char *path)
{
	for (size_t i = 0; i < c->n_systems; i++)
		if (strcmp(c->systems[i].path, path) == 0)
			return true;
	return false;
}

static int add_lowers(struct chroot *c)
{
	const struct plan *p = &c->loaded.plan;
	int err = 0;

	for (size_t i = 0; i < p->n_lowers && err >= 0; i++) {
		const struct plan_lower *l = &p->lowers[i];
		int mounted = l->bind ? 0 : mount_point_exists(c->loaded.root.root_fd, l->where);

		err = mounted <= 0 ? mounted : add(c, l->where + strlen(WINDOW_ROOT), l->where);
	}
	return err;
}

/* Where packages put files, apart from the root file system. */
static bool is_of_system(const char *path)
{
	static const char *const dirs[] = { "/usr", "/opt", "/boot", "/efi" };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (path_is_at_or_below(path, dirs[i]))
			return true;
	return false;
}

/* Without it, its files would be written below its mount point, and be hidden later. */
static int refuse_missing(const char *path, char **ret_why)
{
	int err = text_format(ret_why, "%s of fstab is not mounted; mount it first", path);

	return err < 0 ? err : -EPERM;
}

static int add_mounted(struct chroot *c, const char *path, bool expected, char **ret_why)
{
	int mounted;

	if (has(c, path))
		return 0;
	mounted = mount_point_exists(c->loaded.root.root_fd, path);
	if (mounted != 0)
		return mounted < 0 ? mounted : add(c, path, path);
	return expected ? refuse_missing(path, ret_why) : 0;
}

static int add_fstab(struct chroot *c, char **ret_why)
{
	const struct facts *f = &c->loaded.facts;
	int err = 0;

	for (size_t i = 0; i < f->n_fstab && err >= 0; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (!e->overridden && !fstab_is_swap(e) && !fstab_is_in_ram(e) &&
		    !fstab_is_bind(e) && is_of_system(e->dir))
			err = add_mounted(c, e->dir, true, ret_why);
	}
	return err;
}

/* systemd mounts these without a line in fstab; systemd-gpt-auto-generator(8). */
static int add_boot(struct chroot *c)
{
	static const char *const dirs[] = { "/boot", "/boot/efi", "/boot/firmware", "/efi" };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(dirs) && err >= 0; i++)
		err = add_mounted(c, dirs[i], false, NULL);
	return err;
}

static int compare_systems(const void *a, const void *b)
{
	const struct chroot_system *x = a, *y = b;

	return path_compare(x->path, y->path);
}

/* Opening it mounts it, if that is left to the first use. */
static int look_at(struct chroot *c, struct chroot_system *s, size_t *index)
{
	_cleanup_close_ int fd = open_dir_at(c->loaded.root.root_fd, s->where);
	const struct file_system *type;
	struct statfs st;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &st) < 0)
		return -errno;
	type = file_system_by_magic((unsigned long)st.f_type);
	s->copied = type->no_owners && !c->options.direct;
	if (s->copied)
		s->fd = TAKE_FD(fd);
	else
		s->index = (*index)++;
	return 0;
}

int systems_find(struct chroot *c, char **ret_why)
{
	size_t index = 0;
	int err = add(c, "/", WINDOW_ROOT);

	if (err >= 0)
		err = add_lowers(c);
	if (err >= 0)
		err = add_fstab(c, ret_why);
	if (err >= 0)
		err = add_boot(c);
	if (err < 0)
		return err;
	qsort(c->systems, c->n_systems, sizeof(*c->systems), compare_systems);
	/* The root is the untouched one, if it is mounted at all: the window says so if it is not. */
	c->systems[0].index = index++;
	for (size_t i = 1; i < c->n_systems && err >= 0; i++)
		err = look_at(c, &c->systems[i], &index);
	return err;
}

static void table_unrefp(struct libmnt_table **t)
{
	mnt_unref_table(*t);
}

static bool is_device(const char *path)
{
	struct stat st;

	/* /dev/root is a name that the kernel makes up, without an initramfs. */
	return path && strncmp(path, "/dev/", 5) == 0 && strcmp(path, "/dev/root") != 0 &&
	       stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

static int device_of_number(dev_t dev, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char line[256];

	if (text_format(&path, "/sys/dev/block/%u:%u/uevent", major(dev), minor(dev)) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "DEVNAME=", 8) == 0)
			return text_format(ret, "/dev/%s", line + 8);
	}
	return -ENODEV;
}

/* A subvolume of btrfs: its path, "/@". Else "". */
static const char *subvolume_of(const struct chroot *c, struct libmnt_fs *fs)
{
	const char *type = fs ? mnt_fs_get_fstype(fs) : NULL;
	const char *root = fs ? mnt_fs_get_root(fs) : NULL;

	if (c->options.direct || !type || strcmp(type, "btrfs") != 0 || !root)
		return "";
	return strcmp(root, "/") == 0 ? "" : root;
}

static int find_device(struct libmnt_fs *fs, struct chroot_system *s)
{
	const char *source = fs ? mnt_fs_get_source(fs) : NULL;
	struct stat st;

	if (is_device(source)) {
		s->device = strdup(source);
		return s->device ? 0 : -ENOMEM;
	}
	if (fstat(s->fd, &st) < 0)
		return -errno;
	if (device_of_number(st.st_dev, &s->device) >= 0)
		return 0;
	/* Of several devices, or of none: a pool of ZFS, a server. */
	s->device = strdup(source ? source : "none");
	return s->device ? 0 : -ENOMEM;
}

int systems_devices(struct chroot *c)
{
	_cleanup_(table_unrefp) struct libmnt_table *t =
		mnt_new_table_from_file("/proc/self/mountinfo");
	int err = t ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->n_systems && err >= 0; i++) {
		struct chroot_system *s = &c->systems[i];
		struct libmnt_fs *fs = mnt_table_find_target(t, s->where, MNT_ITER_BACKWARD);

		err = find_device(fs, s);
		if (err >= 0)
			err = text_format(&s->upper, CHROOT_UPPER "%s", subvolume_of(c, fs));
	}
	return err;
}
