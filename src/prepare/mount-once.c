/* SPDX-License-Identifier: MIT */
#include "prepare/mount-once.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "prepare/pool.h"
#include "system/log.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* linux/mount.h since 5.10 */
#endif

/* Options split for mount(2), which takes flags and the file system's own options separately. */
struct call {
	unsigned long flags;
	bool private;
	struct strbuf data;
};

static void call_done(struct call *c)
{
	strbuf_done(&c->data);
}

/* The words that rofs.conf(5) allows and those of options.h; all others are the file system's. */
static void add_word(struct call *c, const char *word, size_t n)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} flags[] = {
		{ "bind", MS_BIND, 0 },
		{ "rbind", MS_BIND | MS_REC, 0 },
		{ "ro", MS_RDONLY, 0 },
		{ "rw", 0, MS_RDONLY },
		{ "nosuid", MS_NOSUID, 0 },
		{ "suid", 0, MS_NOSUID },
		{ "nodev", MS_NODEV, 0 },
		{ "dev", 0, MS_NODEV },
		{ "noexec", MS_NOEXEC, 0 },
		{ "exec", 0, MS_NOEXEC },
		{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
		{ "symfollow", 0, MS_NOSYMFOLLOW },
		{ "noatime", MS_NOATIME, 0 },
		{ "relatime", MS_RELATIME, 0 },
		{ "strictatime", MS_STRICTATIME, 0 },
		{ "nodiratime", MS_NODIRATIME, 0 },
	};

	if (n == strlen("private") && strncmp(word, "private", n) == 0) {
		c->private = true;
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(flags); i++)
		if (strlen(flags[i].name) == n && strncmp(word, flags[i].name, n) == 0) {
			c->flags = (c->flags | flags[i].set) & ~flags[i].clear;
			return;
		}

	if (c->data.len)
		strbuf_add_char(&c->data, ',');
	strbuf_add_n(&c->data, word, n);
}

static void split_options(const char *options, struct call *c)
{
	for (const char *s = options; *s;) {
		size_t n = strcspn(s, ",");

		add_word(c, s, n);
		s += n + (s[n] == ',');
	}
}

/* A bind mount takes its flags from its source; its own need a second call. */
static int finish_mount(const char *where, const struct call *c)
{
	unsigned long shape = MS_BIND | MS_REC;

	if ((c->flags & MS_BIND) && (c->flags & ~shape) &&
	    mount(NULL, where, NULL, (c->flags & ~(unsigned long)MS_REC) | MS_REMOUNT, NULL) < 0)
		return -errno;
	return c->private && mount(NULL, where, NULL, MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* @on: what the name leads to. What is mounted there, it leads to afterwards. */
static int call_mount(const char *what, const char *type, const struct call *c, int dir_fd,
		      const char *name, int on)
{
	unsigned long flags = c->flags & MS_BIND ? c->flags & (MS_BIND | MS_REC) : c->flags;
	_cleanup_free_ char *place = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	if (c->data.failed || text_format(&place, "%s/%s", fd_name(dir_fd).path, name) < 0)
		return -ENOMEM;
	if (mount(what, fd_name(on).path, type, flags, c->data.text) < 0)
		return -errno;
	fd = open_beneath(dir_fd, name, O_PATH | O_DIRECTORY);
	err = fd < 0 ? fd : finish_mount(fd_name(fd).path, c);
	/* A part of it, such as a bind that is not read-only, is worse than nothing. */
	if (err < 0)
		umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW);
	return err;
}

/* Also below another overlay, which users can write to: the path is walked once, through no link. */
int mount_once(const char *what, const char *where, const char *type, const char *options)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), dir_fd = -1,
			    on = -1;
	_cleanup_(call_done) struct call c = { 0 };
	const char *name;
	int err;

	if (root_fd < 0)
		return -errno;
	dir_fd = open_parent_beneath(root_fd, where, &name);
	if (dir_fd < 0)
		return dir_fd;
	err = mount_point_look(dir_fd, name);
	if (err != 0)
		return err > 0 ? 0 : err;
	on = open_beneath(dir_fd, name, O_PATH | O_DIRECTORY);
	if (on < 0)
		return on;

	split_options(options, &c);
	return call_mount(what, type, &c, dir_fd, name, on);
}

int mount_leave_to_unit(const char *where, int err)
{
	return log_error(err, "cannot mount %s: %s; its unit will try again", where,
			 strerror(-err));
}

int mount_or_leave(const char *what, const char *where, const char *type, const char *options)
{
	int err = mount_once(what, where, type, options);

	return err < 0 ? mount_leave_to_unit(where, err) : 0;
}

/* Without the shared pool it would be made on the root file system. */
static int make_below_pool(int root_fd, const char *path)
{
	bool is_pool = strcmp(path, "/rofs") == 0;
	int err = is_pool ? 0 : pool_is_mounted(root_fd, "/rofs", true);

	return err < 0 ? err : make_path(root_fd, path, 0700);
}

int make_mount_point(const char *path)
{
	_cleanup_close_ int root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	fd = root_fd < 0 ? -errno : make_below_pool(root_fd, path);
	if (fd == -ENODEV)
		return log_error(fd, "cannot create %s: /rofs is not mounted as a RAM pool", path);
	return fd < 0 ? log_error(fd, "cannot create %s: %s", path, strerror(-fd)) : 0;
}
