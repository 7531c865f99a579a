/* SPDX-License-Identifier: MIT */
#include "system/observe.h"

#include <fcntl.h>
#include <libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/text.h"
#include "plan/fstab.h"
#include "system/hidden-mount.h"
#include "system/log.h"
#include "system/observe-device.h"
#include "system/root-devices.h"
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

/* Since Linux 6.15, ext4 stays "rw" where it takes no more writes: after an error, or shut down. */
static bool is_fs_read_only(const char *options)
{
	return is_read_only(options) || (options && (fstab_has_option(options, "emergency_ro") ||
						     fstab_has_option(options, "shutdown")));
}

/* "shared:3 master:2" */
static unsigned group_of(struct libmnt_fs *fs, const char *kind)
{
	const char *fields = mnt_fs_get_optional_fields(fs);
	const char *found = fields ? strstr(fields, kind) : NULL;

	return found ? (unsigned)strtoul(found + strlen(kind), NULL, 10) : 0;
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
		.is_slave = group_of(fs, "master:") > 0,
		.peer_group = group_of(fs, "shared:"),
		.read_only = is_read_only(mnt_fs_get_vfs_options(fs)),
		.fs_read_only = is_fs_read_only(mnt_fs_get_fs_options(fs)),
	};
	return copy_texts(m, fs);
}

static int count_lines(const char *text)
{
	int n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Out of memory, libmount passes over a line or takes it for the end, and reports success. */
static int parse_mounts(const struct rootfs *r, const char *process, struct libmnt_table **ret)
{
	_cleanup_(unref_table) struct libmnt_table *table = mnt_new_table();
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t len;
	int err;

	if (!table || text_format(&path, "/proc/%s/mountinfo", process) < 0)
		return -ENOMEM;
	err = rootfs_read(r, path, MOUNTINFO_MAX, &text, &len);
	if (err < 0)
		return err;
	stream = len > 0 ? fmemopen(text, len, "r") : NULL;
	if (len > 0 && !stream)
		return -ENOMEM;
	err = stream ? mnt_table_parse_stream(table, stream, "mountinfo") : 0;
	if (err != 0)
		return err < 0 ? err : -EIO;
	if (mnt_table_get_nents(table) < count_lines(text))
		return -ENOMEM;
	*ret = TAKE_PTR(table);
	return 0;
}

/* Does "/" of both tables show the same directory of the same file system? */
static bool have_same_root(struct libmnt_table *a, struct libmnt_table *b)
{
	struct libmnt_fs *x = mnt_table_find_target(a, "/", MNT_ITER_BACKWARD),
			 *y = mnt_table_find_target(b, "/", MNT_ITER_BACKWARD);

	return x && y && mnt_fs_get_devno(x) == mnt_fs_get_devno(y) && mnt_fs_get_root(x) &&
	       mnt_fs_get_root(y) && strcmp(mnt_fs_get_root(x), mnt_fs_get_root(y)) == 0;
}

/*
 * Those of PID 1: a service with ProtectSystem=, as rofs-verify.service is, has mounts of its own,
 * which say nothing of the system's. But a process in another root, as of a container, is not on the
 * system of PID 1. hidepid= may hide them: users then get an answer by their own mounts, but root,
 * whose answer is the one that is reported, gets none.
 */
static int choose_mounts(const struct rootfs *r, bool is_running, struct libmnt_table **ret)
{
	_cleanup_(unref_table) struct libmnt_table *own = NULL, *first = NULL;
	int err = parse_mounts(r, "self", &own);

	if (err < 0)
		return err;
	err = parse_mounts(r, "1", &first);
	if (err == -ENOMEM)
		return err;
	if (err < 0 && is_running && geteuid() == 0)
		return log_error(err, "cannot read the mounts of PID 1: %s", strerror(-err));
	*ret = err >= 0 && have_same_root(own, first) ? TAKE_PTR(first) : TAKE_PTR(own);
	return 0;
}

static int read_mounts(const struct rootfs *r, bool is_running, struct observed *s)
{
	_cleanup_(unref_table) struct libmnt_table *table = NULL;
	_cleanup_(free_iter) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int err;

	if (!iter)
		return -ENOMEM;
	err = choose_mounts(r, is_running, &table);
	if (err < 0)
		return err;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		err = add_mount(s, fs);
		if (err < 0)
			return err;
	}
	return 0;
}

static int add_swap(struct observed *s, const char *path)
{
	if (array_reserve(s->swaps, s->n_swaps) < 0 || copy(&s->swaps[s->n_swaps], path) < 0)
		return -ENOMEM;
	s->n_swaps++;
	return 0;
}

/* A heading, then "PATH TYPE SIZE USED PRIORITY" with octal escapes, as in fstab. */
static int parse_swaps(FILE *f, struct observed *s)
{
	char line[4096];
	int err = 0;

	while (err >= 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\n")] = '\0';
		if (line[0] == '/' && strncmp(line, "/dev/zram", 9) != 0)
			err = add_swap(s, line);
	}
	return err >= 0 && ferror(f) ? -EIO : err;
}

static int read_swaps(const char *dir, struct observed *s)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "%s/proc/swaps", strcmp(dir, "/") == 0 ? "" : dir);

	if (err < 0)
		return err;
	f = fopen(path, "re");
	err = f ? parse_swaps(f, s) : -errno;
	if (err == -ENOENT) /* no swap in this kernel */
		return 0;
	return err < 0 && err != -ENOMEM ?
		       log_error(err, "cannot read /proc/swaps: %s", strerror(-err)) :
		       err;
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

/* Of what the kernel knows already: a device or a server that does not answer is not waited for. */
static bool has_failed(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 &&
	       errno == EIO;
}

/* After an error, XFS stays "rw" but does nothing any more. Nothing in the table of mounts says so. */
static void look_for_failure(struct observed *s, const char *path)
{
	const struct observed_mount *m = observed_mounted_at(s, path);

	if (!m || !has_failed(path))
		return;
	for (size_t i = 0; i < s->n_mounts; i++)
		if (observed_same_fs(&s->mounts[i], m))
			s->mounts[i].fs_read_only = true;
}

static void look_for_failures(struct observed *s, const struct plan *p)
{
	for (size_t i = 0; i < s->n_storages; i++)
		if (s->storages[i].kind == STORAGE_PARTITION)
			look_for_failure(s, s->storages[i].dir);
	for (size_t i = 0; i < p->n_persists; i++)
		look_for_failure(s, p->persists[i].path);
}

static int look_for_hidden(const struct rootfs *r, const struct plan *p, struct observed *s)
{
	for (size_t i = 0; i < p->n_overlays; i++) {
		struct observed_hidden h = { 0 };
		int found = hidden_mount_find(r, &p->overlays[i], &h);

		if (found == -ENOMEM || (found > 0 && array_reserve(s->hidden, s->n_hidden) < 0))
			return -ENOMEM;
		if (found <= 0)
			continue;
		h.overlay = i;
		s->hidden[s->n_hidden++] = h;
	}
	return 0;
}

int observe(const char *dir, const struct plan *p, struct observed *ret)
{
	bool is_running = strcmp(dir, "/") == 0;
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT;
	struct observed s = { 0 };
	int err = rootfs_open(dir, &r);

	if (err >= 0)
		err = read_mounts(&r, is_running, &s);
	if (err >= 0)
		err = read_swaps(dir, &s);
	if (err >= 0)
		err = observed_storages(&s, p);
	if (err >= 0)
		err = look_for_hidden(&r, p, &s);
	if (err >= 0)
		err = root_devices_observe(r.root_fd, &s.root_devices);
	if (err >= 0 && is_running) {
		observe_devices_of_mounts(&s);
		err = observe_declared_devices(&s, p);
	}
	if (err < 0) {
		observed_done(&s);
		return err;
	}

	if (is_running) {
		look_for_failures(&s, p);
		read_usages(&s, p);
	}
	*ret = s;
	return 0;
}
