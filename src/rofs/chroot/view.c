/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/view.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/chroot/copied.h"
#include "rofs/ui/off.h"
#include "system/log.h"
#include "transaction/lock.h"

/* linux/mount.h since 5.2; it cannot be included beside sys/mount.h everywhere. */
#ifndef __NR_open_tree
#define __NR_open_tree 428
#endif
#ifndef __NR_move_mount
#define __NR_move_mount 429
#endif
#define TREE_CLONE	     0x1u
#define MOVE_FROM_EMPTY_PATH 0x4u
#define MOVE_TO_SYMLINKS     0x10u

/* The window has made it. For a moment, something else is on it: nobody looks for anything there by its path. */
#define ASIDE "/" LOCK_DIR "/window"

static int fail(int err, const char *path)
{
	return log_error(err, "cannot mount %s in the chroot: %s", path, strerror(-err));
}

/* Mounts on a directory of the chroot. Returns 1, 0 when there is no such directory, or -errno. */
static int mount_at(const struct view *v, const char *path, const char *what, const char *type,
		    unsigned long flags, const char *data)
{
	_cleanup_close_ int fd = open_beneath(v->root_fd, path, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fail(fd, path);
	if (mount(what, fd_name(fd).path, type, flags, data) < 0)
		return fail(-errno, path);
	return 1;
}

/* Binds what the running system has there, with all below it; what it mounts later comes as well. */
static int bind_live(const struct view *v, const char *path)
{
	int r = mount_at(v, path, path, NULL, MS_BIND | MS_REC, NULL);
	_cleanup_close_ int fd = -1;

	if (r <= 0)
		return r;
	fd = open_beneath(v->root_fd, path, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fail(fd, path);
	if (mount(NULL, fd_name(fd).path, NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return fail(-errno, path);
	return 0;
}

/* All of one that is copied is in its upper layer. */
static int lower_of(const struct chroot_system *s, char **ret)
{
	if (s->copied)
		return text_format(ret, "/proc/self/fd/%d/" COPIED_LOWER, s->layers_fd);
	return text_format(ret, "%s", fd_name(s->fd).path);
}

/*
 * Programs in a mount namespace find the device of a file system by the source of its mount: grub-probe,
 * initramfs-tools. A copy is an overlay, too: of a bind, grub-mkrelpath would give the path from the root of
 * the file system that the copy is on.
 */
static int mount_overlay(const struct chroot *c, const struct chroot_system *s, const char *lower,
			 const char *where)
{
	_cleanup_free_ char *options = NULL, *quick = NULL;
	const char *known = c->loaded.plan.overlay_options;
	int err = text_format(&options,
			      "lowerdir=%s,upperdir=/proc/self/fd/%d/" CHROOT_UPPER ","
			      "workdir=/proc/self/fd/%d/work%s%s",
			      lower, s->layers_fd, s->layers_fd, *known ? "," : "", known);

	if (err < 0 || text_format(&quick, "%s,volatile", options) < 0)
		return -ENOMEM;
	/* Nothing of it needs to reach the medium before the switch: it is discarded until then. Linux 5.10. */
	if (mount(s->device, where, "overlay", 0, quick) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	return mount(s->device, where, "overlay", 0, options) < 0 ? -errno : 0;
}

static int clone_tree(const char *path)
{
	long fd = syscall(__NR_open_tree, AT_FDCWD, path, TREE_CLONE | O_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int attach_tree(int fd, const char *where)
{
	long r = syscall(__NR_move_mount, fd, "", AT_FDCWD, where,
			 MOVE_FROM_EMPTY_PATH | MOVE_TO_SYMLINKS);

	return r < 0 ? -errno : 0;
}

/* The overlay of all subvolumes, on top of its lower layer; of it, only the one that is meant. */
static int open_subvolume(const struct chroot *c, const struct chroot_system *s, int *ret_mounted)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int top = -1;
	int err;

	if (mount(s->device, ASIDE, "btrfs", MS_RDONLY, "subvolid=5") < 0)
		return -errno;
	++*ret_mounted;
	top = open(ASIDE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	err = mount_overlay(c, s, fd_name(top).path, ASIDE);
	if (err < 0)
		return err;
	++*ret_mounted;
	err = text_format(&path, ASIDE "%s", s->upper + strlen(CHROOT_UPPER));
	return err < 0 ? err : clone_tree(path);
}

/*
 * grub-mkrelpath gives paths from the root of the file system, not of its subvolume: "/@/boot/grub". It takes
 * what is before the slash from which directory of a file system is mounted. That an overlay has, too.
 */
static int mount_subvolume(const struct chroot *c, const struct chroot_system *s, const char *where)
{
	int mounted = 0;
	_cleanup_close_ int tree = open_subvolume(c, s, &mounted);

	for (; mounted > 0; mounted--)
		if (umount2(ASIDE, MNT_DETACH) < 0)
			return -errno;
	return tree < 0 ? tree : attach_tree(tree, where);
}

/* One file system of the system, at @where. */
static int mount_system(const struct chroot *c, const struct chroot_system *s, const char *where)
{
	_cleanup_free_ char *lower = NULL;
	int err;

	if (c->options.direct)
		return mount(fd_name(s->fd).path, where, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
	if (strcmp(s->upper, CHROOT_UPPER) != 0)
		return mount_subvolume(c, s, where);
	err = lower_of(s, &lower);
	return err < 0 ? err : mount_overlay(c, s, lower, where);
}

static int mount_root(const struct chroot *c, struct view *v, bool *ret_mounted)
{
	int err = mount_system(c, &c->systems[0], WINDOW_ROOT);

	if (err < 0)
		return fail(err, "/");
	*ret_mounted = true;
	v->root_fd = open(WINDOW_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return v->root_fd < 0 ? fail(-errno, "/") : 0;
}

static int hide(const struct view *v, const char *path)
{
	return mount_at(v, path, "none", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=0700,size=4k");
}

/* What transactions have left there, and the layers of this one. */
static int hide_transactions(const struct view *v, const struct chroot_system *s)
{
	_cleanup_free_ char *path = NULL;

	if (strcmp(s->path, "/") == 0)
		return hide(v, "/" WINDOW_ROOT_DIR);
	if (text_format(&path, "%s/" WINDOW_OTHER_DIR, s->path) < 0)
		return -ENOMEM;
	return hide(v, path);
}

static int mount_other(const struct chroot *c, const struct chroot_system *s, struct view *v)
{
	_cleanup_close_ int fd = open_beneath(v->root_fd, s->path, O_PATH | O_DIRECTORY);
	int err = fd < 0 ? fd : mount_system(c, s, fd_name(fd).path);

	return err < 0 ? fail(err, s->path) : hide_transactions(v, s);
}

static int mount_systems(const struct chroot *c, struct view *v, bool *ret_mounted)
{
	int err = mount_root(c, v, ret_mounted);

	if (err >= 0)
		err = hide_transactions(v, &c->systems[0]);
	for (size_t i = 1; i < c->n_systems && err >= 0; i++)
		err = mount_other(c, &c->systems[i], v);
	return err;
}

static int make_run(const struct view *v)
{
	static const char *const dirs[] = { CHROOT_RUN_DIR, "/run/udev" };
	_cleanup_close_ int lock = make_path(v->root_fd, "/run/lock", 0755);

	if (lock < 0)
		return fail(lock, "/run/lock");
	if (fchmod(lock, 01777) < 0)
		return fail(-errno, "/run/lock");
	for (size_t i = 0; i < ELEMENTSOF(dirs); i++) {
		_cleanup_close_ int fd = make_path(v->root_fd, dirs[i], 0755);

		if (fd < 0)
			return fail(fd, dirs[i]);
	}
	return 0;
}

/* lsblk, grub and initramfs-tools ask udev's database about devices. */
static int show_udev(const struct view *v)
{
	_cleanup_close_ int from = open("/run/udev", O_PATH | O_DIRECTORY | O_CLOEXEC), to = -1;

	if (from < 0)
		return 0;
	to = open_beneath(v->root_fd, "/run/udev", O_PATH | O_DIRECTORY);
	if (to < 0 || mount(fd_name(from).path, fd_name(to).path, NULL, MS_BIND, NULL) < 0)
		return fail(to < 0 ? to : -errno, "/run/udev");
	closep(&to);
	to = open_beneath(v->root_fd, "/run/udev", O_PATH | O_DIRECTORY);
	if (to < 0 ||
	    mount(NULL, fd_name(to).path, NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return fail(to < 0 ? to : -errno, "/run/udev");
	return 0;
}

static int mount_kernel(const struct view *v)
{
	int err = mount_at(v, "/proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);

	if (err >= 0)
		err = bind_live(v, "/sys");
	if (err >= 0)
		err = bind_live(v, "/dev");
	if (err >= 0)
		err = mount_at(v, "/run", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	if (err >= 0)
		err = mount_at(v, "/tmp", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	return err;
}

int view_mount(const struct chroot *c, struct view *ret, bool *ret_mounted)
{
	int err = mount_systems(c, ret, ret_mounted);

	if (err >= 0)
		err = mount_kernel(ret);
	if (err >= 0)
		err = make_run(ret);
	return err < 0 ? err : show_udev(ret);
}
