/* SPDX-License-Identifier: MIT */
#include "system/observe.h"

#include <libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "basic/text.h"
#include "plan/fstab.h"
#include "system/observe-device.h"
#include "system/rootfs.h"

#define MOUNTINFO_MAX ((size_t)64 * 1024 * 1024)

static void unref_table(struct libmnt_table **t)
{
	mnt_unref_table(*t);
}

static void free_iter(struct libmnt_iter **i)
{
	mnt_free_iter(*i);
}

static int copy(char **ret, const char *s)
{
	*ret = strdup(s ? s : "");
	return *ret ? 0 : -ENOMEM;
}

static bool is_read_only(const char *options)
{
	return options && fstab_has_option(options, "ro");
}

static bool propagates(struct libmnt_fs *fs)
{
	unsigned long flags = 0;

	return mnt_fs_get_propagation(fs, &flags) == 0 && (flags & (MS_SHARED | MS_SLAVE));
}

static int copy_texts(struct observed_mount *m, struct libmnt_fs *fs)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{ &m->root, mnt_fs_get_root(fs) },
		{ &m->target, mnt_fs_get_target(fs) },
		{ &m->type, mnt_fs_get_fstype(fs) },
		{ &m->source, mnt_fs_get_source(fs) },
		{ &m->options, mnt_fs_get_vfs_options(fs) },
		{ &m->fs_options, mnt_fs_get_fs_options(fs) },
	};

	for (size_t i = 0; i < ELEMENTSOF(texts); i++)
		if (copy(texts[i].to, texts[i].from) < 0)
			return -ENOMEM;
	return 0;
}

static int add_mount(struct observed *s, struct libmnt_fs *fs)
{
	dev_t device = mnt_fs_get_devno(fs);
	struct observed_mount *m;
	int err;

	err = array_reserve(s->mounts, s->n_mounts);
	if (err < 0)
		return err;

	/* Counted already, so that observed_done() frees it also after a failure. */
	m = &s->mounts[s->n_mounts++];
	*m = (struct observed_mount){
		.id = (unsigned)mnt_fs_get_id(fs),
		.parent = (unsigned)mnt_fs_get_parent_id(fs),
		.major = major(device),
		.minor = minor(device),
		.device_major = major(device),
		.device_minor = major(device) ? minor(device) : 0,
		.propagates = propagates(fs),
		.read_only = is_read_only(mnt_fs_get_vfs_options(fs)),
		.fs_read_only = is_read_only(mnt_fs_get_fs_options(fs)),
	};
	return copy_texts(m, fs);
}

#include "system/observe-device.h"
static bool ask_device(const char *path, unsigned *ret_major, unsigned *ret_minor)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	*ret_major = major(st.st_rdev);
	*ret_minor = minor(st.st_rdev);
	return true;
}

/* A btrfs has a number of its own, which is not that of its block device. */
static void find_devices_of_mounts(struct observed *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		struct observed_mount *m = &s->mounts[i];

		if (m->major == 0 && strncmp(m->source, "/dev/", 5) == 0)
			ask_device(m->source, &m->device_major, &m->device_minor);
	}
}

/* The name that the kernel has for a device: "sda1". */
static bool name_device(unsigned major, unsigned minor, char *ret, size_t size)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return snprintf(ret, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target) <
	       (int)size;
}

struct btrfs_search {
	char *names[2];
	bool found;
};

static int look_for_both(void *data, const char *uuid)
{
	struct btrfs_search *b = data;
	unsigned n = 0;

	for (size_t i = 0; i < ELEMENTSOF(b->names); i++) {
		_cleanup_free_ char *path = NULL;

		if (text_format(&path, "/sys/fs/btrfs/%s/devices/%s", uuid, b->names[i]) < 0)
			return -ENOMEM;
		n += access(path, F_OK) == 0;
	}
	b->found = b->found || n == ELEMENTSOF(b->names);
	return 0;
}

/* Are these two devices of the same btrfs? The table of mounts has only one of them. */
static bool is_same_btrfs(const struct observed_mount *m, const struct observed_device *d)
{
	char a[NAME_MAX + 1], b[NAME_MAX + 1];
	struct btrfs_search search = { .names = { a, b } };

	if (strcmp(m->type, "btrfs") != 0 || m->device_major == 0 ||
	    !name_device(m->device_major, m->device_minor, a, sizeof(a)) ||
	    !name_device(d->major, d->minor, b, sizeof(b)))
		return false;
	return each_name(open("/sys/fs/btrfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC), look_for_both,
			 &search) >= 0 &&
	       search.found;
}

static struct observed_device find_device(const struct observed *s, const char *path,
					  const char *where)
{
	struct observed_device d = { .state = DEVICE_ABSENT };
	const struct observed_mount *m = observed_mounted_at(s, where);

	if (!path)
		return (struct observed_device){ 0 };
	if (!ask_device(path, &d.major, &d.minor))
		return d;
	d.state = DEVICE_PRESENT;
	if (m && !observed_is_on_device(m, &d) && is_same_btrfs(m, &d)) {
		d.major = m->device_major;
		d.minor = m->device_minor;
	}
	return d;
}

static int find_declared_devices(struct observed *s, const struct plan *p)
{
	s->partitions = calloc(p->n_partitions + 1, sizeof(*s->partitions));
	s->lowers = calloc(p->n_lowers + 1, sizeof(*s->lowers));
	if (!s->partitions || !s->lowers)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf)
			s->partitions[i] = find_device(s, p->partitions[i].device_path,
						       p->partitions[i].where);
	for (size_t i = 0; i < p->n_lowers; i++)
		s->lowers[i] = find_device(s, p->lowers[i].device_path, p->lowers[i].where);
	return 0;
}

static int count_lines(const char *text)
{
	int n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Out of memory, libmount passes over a line or takes it for the end, and reports success. */
static int parse_mounts(const char *dir, struct libmnt_table *table)
{
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t len;
	int err = rootfs_open(dir, &r);

	if (err >= 0)
		err = rootfs_read(&r, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, &len);
	if (err < 0 || len == 0)
		return err;
	stream = fmemopen(text, len, "r");
	if (!stream)
		return -ENOMEM;
	err = mnt_table_parse_stream(table, stream, "mountinfo");
	if (err != 0)
		return err < 0 ? err : -EIO;
	return mnt_table_get_nents(table) < count_lines(text) ? -ENOMEM : 0;
}

static int read_mounts(const char *dir, struct observed *s)
{
	_cleanup_(unref_table) struct libmnt_table *table = mnt_new_table();
	_cleanup_(free_iter) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int err;

	if (!table || !iter)
		return -ENOMEM;
	err = parse_mounts(dir, table);
	if (err < 0)
		return err;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		err = add_mount(s, fs);
		if (err < 0)
			return err;
	}
	return 0;
}

/* /proc/swaps: a heading, then "PATH TYPE SIZE USED PRIORITY" with octal escapes, as in fstab. */
static int read_swaps(const char *dir, struct observed *s)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL;
	char line[4096];
	int err = text_format(&path, "%s/proc/swaps", strcmp(dir, "/") == 0 ? "" : dir);

	if (err < 0)
		return err;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOMEM ? -ENOMEM : 0; /* no swap in this kernel, or no /proc */

	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\n")] = '\0';
		if (line[0] != '/' || strncmp(line, "/dev/zram", 9) == 0)
			continue;
		if (array_reserve(s->swaps, s->n_swaps) < 0)
			return -ENOMEM;
		if (copy(&s->swaps[s->n_swaps], line) < 0)
			return -ENOMEM;
		s->n_swaps++;
	}
	return 0;
}

static bool ask_usage(const char *path, struct usage *ret)
{
	struct statvfs v;

	if (statvfs(path, &v) < 0)
		return false;
	*ret = (struct usage){
		.known = true,
		.size = (uint64_t)v.f_blocks * v.f_frsize,
		.used = (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize,
		.available = (uint64_t)v.f_bavail * v.f_frsize,
		.inodes = v.f_files,
		.inodes_used = v.f_files - v.f_ffree,
	};
	return true;
}

/*
 * A path outside /rofs, in force, whose statvfs() is that of this storage: overlayfs answers with the
 * file system of its upper.
 */
static const char *path_on(const struct observed *s, const struct plan *p, const struct storage *v)
{
	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		const struct observed_mount *m = observed_mounted_at(s, o->path);

		/* Without its partition, this may be in RAM. */
		if (o->fallback != SIZE_MAX && !observed_mounted_at(s, o->merged))
			continue;
		if (m && observed_is_overlay(m) && storage_of_overlay(s, o) == v)
			return o->path;
	}
	for (size_t i = 0; i < p->n_persists && v->kind == STORAGE_PARTITION; i++) {
		const struct observed_mount *m = observed_mounted_at(s, p->persists[i].path),
					    *from = observed_mounted_at(s, v->dir);

		if (p->persists[i].partition == v->index && m && from && observed_same_fs(m, from))
			return p->persists[i].path;
	}
	return NULL;
}

static void read_usage(struct observed *s, const struct plan *p, struct storage *v)
{
	const char *other;

	/* If it is not mounted, statvfs() would answer for the file system below. */
	if (!observed_mounted_at(s, v->dir) || ask_usage(v->dir, &v->usage))
		return;
	other = path_on(s, p, v);
	if (other)
		ask_usage(other, &v->usage);
}

static void read_usages(struct observed *s, const struct plan *p)
{
	for (size_t i = 0; i < s->n_storages; i++)
		read_usage(s, p, &s->storages[i]);
}

int observe(const char *dir, const struct plan *p, struct observed *ret)
{
	bool is_running = strcmp(dir, "/") == 0;
	struct observed s = { 0 };
	int err;

	err = read_mounts(dir, &s);
	if (err >= 0)
		err = read_swaps(dir, &s);
	if (err >= 0)
		err = observed_storages(&s, p);
	if (err >= 0 && is_running) {
		observe_devices_of_mounts(&s);
		err = observe_declared_devices(&s, p);
	}
	if (err < 0) {
		observed_done(&s);
		return err;
	}

	if (is_running)
		read_usages(&s, p);
	*ret = s;
	return 0;
}
