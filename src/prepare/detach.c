/* SPDX-License-Identifier: MIT */
#include "prepare/detach.h"

#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/path.h"
#include "basic/text.h"
#include "prepare/guard.h"
#include "system/log.h"

#define MOUNTS "/proc/self/mounts"

/* Source, directory and type; each byte may take four, as in "\040". Only options are cut off. */
#define LINE_BYTES_MAX ((size_t)3 * 4 * PATH_MAX)

/* What is on top of a path, and how many guards are on it. */
struct mounted {
	char *source, *type, *options;
	size_t n_guards;
};

static void mounted_done(struct mounted *m)
{
	free(m->source);
	free(m->type);
	free(m->options);
}

/* Reads the table of mounts, as stat(2) fails on some types of file systems whose device is gone. */
static int each_mount(int (*each)(void *data, const struct mntent *e), void *data)
{
	_cleanup_free_ char *buffer = malloc(LINE_BYTES_MAX);
	FILE *f = buffer ? setmntent(MOUNTS, "re") : NULL;
	struct mntent e;
	int err = 0;

	if (!f)
		return buffer ? -errno : -ENOMEM;
	while (err >= 0 && getmntent_r(f, &e, buffer, (int)LINE_BYTES_MAX))
		err = each(data, &e);
	if (err >= 0 && ferror(f))
		err = -EIO;
	endmntent(f);
	return err;
}

struct search {
	const char *path;
	struct mounted *on; /* gets what is mounted on the path; NULL: not asked for */
	char *below;	    /* gets a path below it on which something is mounted */
};

static bool is_guard(const struct mntent *e)
{
	return strcmp(e->mnt_type, "autofs") == 0;
}

/* What is mounted last on a path is on top. */
static int match_path(void *data, const struct mntent *e)
{
	const struct search *s = data;

	if (strcmp(e->mnt_dir, s->path) != 0)
		return 0;
	mounted_done(s->on);
	s->on->source = strdup(e->mnt_fsname);
	s->on->type = strdup(e->mnt_type);
	s->on->options = strdup(e->mnt_opts);
	s->on->n_guards += is_guard(e);
	return s->on->source && s->on->type && s->on->options ? 0 : -ENOMEM;
}

/* A guard has nothing to lose. */
static int match_below(void *data, const struct mntent *e)
{
	struct search *s = data;

	if (s->below || is_guard(e) || !path_is_below(e->mnt_dir, s->path))
		return 0;
	s->below = strdup(e->mnt_dir);
	return s->below ? 0 : -ENOMEM;
}

/* Without a mount there, @ret is empty. */
static int mounted_find(const char *path, struct mounted *ret)
{
	struct search s = { .path = path, .on = ret };

	return each_mount(match_path, &s);
}

/*
 * Does the device of what is mounted on @path still exist? Perhaps only its name has changed, as with
 * lvrename(8). This is not known for file systems with device numbers of their own, such as btrfs.
 */
static bool has_device(const char *path)
{
	_cleanup_free_ char *device = NULL;
	struct statx stx = { 0 };

	/* This asks neither the device nor a daemon. A file system that has shut down may answer EIO. */
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, &stx) < 0 ||
	    stx.stx_dev_major == 0)
		return false;
	/* Without memory, assume that it exists: a dead mount does less harm than a missing one. */
	return text_format(&device, "/sys/dev/block/%u:%u", stx.stx_dev_major, stx.stx_dev_minor) <
		       0 ||
	       access(device, F_OK) == 0;
}

/* The kernel does not reuse the name of a device while its file system is in use. */
static bool is_gone(const char *path, const struct mounted *m)
{
	struct stat st;

	if (!m->source || strncmp(m->source, "/dev/", strlen("/dev/")) != 0)
		return false;
	if (stat(m->source, &st) < 0 ? errno != ENOENT : S_ISBLK(st.st_mode))
		return false;
	return !has_device(path);
}

/* The path may be in a file system that users can write to, so no link is followed. */
static int detach_mount(const char *path)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), dir_fd = -1;
	_cleanup_free_ char *place = NULL;
	const char *name;

	if (root_fd < 0)
		return -errno;
	dir_fd = open_parent_beneath(root_fd, path, &name);
	if (dir_fd < 0)
		return dir_fd;
	if (text_format(&place, "%s/%s", fd_name(dir_fd).path, name) < 0)
		return -ENOMEM;
	return umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

/* A lazy unmount takes along what is mounted below, which may be on another device: -EBUSY, and its path. */
static int detach_alone(const char *path, char **ret_below)
{
	struct search s = { .path = path };
	int err = each_mount(match_below, &s);

	*ret_below = s.below;
	if (err < 0 || s.below)
		return err < 0 ? err : -EBUSY;
	return detach_mount(path);
}

static int explain(int err, const char *path, const struct mounted *dead, const char *below)
{
	return log_error(err, "cannot unmount %s, which uses the removed device %s: %s%s", path,
			 dead->source, below ? below : strerror(-err),
			 below ? " is mounted below it" : "");
}

/* Unless something else is mounted on @path. Returns: 0, or -errno after logging it. */
static int detach_path(const char *path, const struct mounted *dead)
{
	_cleanup_(mounted_done) struct mounted m = { 0 };
	_cleanup_free_ char *below = NULL;
	int err = mounted_find(path, &m);

	if (err >= 0 && m.source && strcmp(m.source, dead->source) == 0 &&
	    strcmp(m.type, dead->type) == 0)
		err = detach_alone(path, &below);
	return err < 0 ? explain(err, path, dead, below) : 0;
}

/* systemd may have begun to unmount the path: its umount(8) would take the only guard. */
static int detach_persist(const struct plan_persist *p, const struct mounted *dead)
{
	_cleanup_(mounted_done) struct mounted m = { 0 };
	int err = detach_path(p->path, dead);

	if (err >= 0 && p->guard != SIZE_MAX)
		err = mounts_guard(p, false);
	if (err < 0 || p->guard == SIZE_MAX)
		return err;
	err = mounted_find(p->path, &m);
	if (err < 0)
		return log_error(err, "cannot read " MOUNTS ": %s", strerror(-err));
	return m.n_guards == 1 && strcmp(m.type, "autofs") == 0 ? mounts_guard_twice(p) : 0;
}

/* Are the changes of what is mounted on @path on the partition of this overlay? */
static int is_overlay_on(const char *path, const struct plan_overlay *o)
{
	_cleanup_(mounted_done) struct mounted m = { 0 };
	_cleanup_free_ char *upper = NULL;
	int err = mounted_find(path, &m);
	const char *at;

	if (err < 0 || !m.type || strcmp(m.type, "overlay") != 0)
		return err;
	if (text_format(&upper, ",upperdir=%s/upper", o->layers) < 0)
		return -ENOMEM;
	at = strstr(m.options, upper);
	return at && (at[strlen(upper)] == ',' || !at[strlen(upper)]);
}

static int detach_overlay_at(const char *path, const struct plan_overlay *o,
			     const struct mounted *dead)
{
	_cleanup_free_ char *below = NULL;
	int err = is_overlay_on(path, o);

	if (err > 0)
		err = detach_alone(path, &below);
	return err < 0 ? explain(err, path, dead, below) : 0;
}

/* What is mounted below its path is seen below both. */
static int detach_overlay(const struct plan_overlay *o, const struct mounted *dead)
{
	int err = detach_overlay_at(o->path, o, dead);

	return err < 0 ? err : detach_overlay_at(o->merged, o, dead);
}

/* What replaces one with a fallback stays until the next boot: writes may have gone there. */
static int detach_overlays(const struct plan *p, size_t partition, const struct mounted *dead)
{
	int result = 0;

	/* Those below come first. */
	for (size_t i = p->n_overlays; i-- > 0;) {
		const struct plan_overlay *o = &p->overlays[i];
		int err = 0;

		if (o->on_partition && o->partition == partition && o->fallback == SIZE_MAX)
			err = detach_overlay(o, dead);
		result = result < 0 ? result : err;
	}
	return result;
}

/* The partition itself comes last: it tells which of the other mounts are of its device. */
static int detach_all(const struct plan *p, size_t partition, const struct mounted *dead)
{
	int result = 0, err;

	/* Those below come first. */
	for (size_t i = p->n_persists; i-- > 0;) {
		if (p->persists[i].partition != partition)
			continue;
		err = detach_persist(&p->persists[i], dead);
		result = result < 0 ? result : err;
	}
	for (size_t i = 0; i < p->n_fstab_duplicates; i++) {
		if (p->fstab_duplicates[i].partition != partition)
			continue;
		err = detach_path(p->fstab_duplicates[i].entry->dir, dead);
		result = result < 0 ? result : err;
	}
	err = detach_overlays(p, partition, dead);
	result = result < 0 ? result : err;
	err = detach_path(p->partitions[partition].where, dead);
	return result < 0 ? result : err;
}

static int detach_partition(const struct plan *p, size_t partition)
{
	_cleanup_(mounted_done) struct mounted m = { 0 };
	const char *where = p->partitions[partition].where;
	int err = mounted_find(where, &m);

	if (err < 0)
		return log_error(err, "cannot read " MOUNTS ": %s", strerror(-err));
	if (!is_gone(where, &m))
		return 0;
	log_warning("[Partition %s]: its device %s was removed; unmounting what is mounted from it",
		    p->partitions[partition].conf->section.name, m.source);
	return detach_all(p, partition, &m);
}

int detach_dead(const struct plan *p)
{
	int result = 0;

	for (size_t i = 0; i < p->n_partitions; i++) {
		int err = p->partitions[i].conf ? detach_partition(p, i) : 0;

		result = result < 0 ? result : err;
	}
	return result;
}
