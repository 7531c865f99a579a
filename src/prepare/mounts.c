/* SPDX-License-Identifier: MIT */
#include "prepare/mounts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/mount-point.h"
#include "basic/strbuf.h"
#include "prepare/kernel.h"
#include "prepare/mount-error.h"
#include "prepare/prepare.h"
#include "system/log.h"
#include "unit/options.h"

/* Options taken apart for mount(2), which wants flags and the file system's own text separate. */
struct call {
	unsigned long flags;
	bool private;
	struct strbuf data;
};

static void call_done(struct call *c)
{
	strbuf_done(&c->data);
}

/* The words that rofs.conf(5) allows and those of options.h; anything else is the file system's. */
static void add_word(struct call *c, const char *word, size_t n)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} flags[] = {
		{ "bind", MS_BIND, 0 },
		{ "rbind", MS_BIND | MS_REC, 0 },
		{ "ro", MS_RDONLY, 0 },
		{ "nosuid", MS_NOSUID, 0 },
		{ "suid", 0, MS_NOSUID },
		{ "nodev", MS_NODEV, 0 },
		{ "dev", 0, MS_NODEV },
		{ "noexec", MS_NOEXEC, 0 },
		{ "exec", 0, MS_NOEXEC },
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

static void take_apart(const char *options, struct call *c)
{
	for (const char *s = options; *s;) {
		size_t n = strcspn(s, ",");

		add_word(c, s, n);
		s += n + (s[n] == ',');
	}
}

static int call_mount(const char *what, const char *where, const char *type, const struct call *c)
{
	bool bind = c->flags & MS_BIND;
	unsigned long flags = bind ? c->flags & (MS_BIND | MS_REC) : c->flags;

	if (mount(what, where, type, flags, c->data.text) < 0)
		return -errno;
	/* A bind takes its flags from what is bound; its own need a second call. */
	if (bind && c->flags != flags &&
	    mount(NULL, where, NULL, (c->flags & ~(unsigned long)MS_REC) | MS_REMOUNT, NULL) < 0)
		return -errno;
	return c->private && mount(NULL, where, NULL, MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* Returns 0 also when something is mounted there already. */
static int try_mount(const char *what, const char *where, const char *type, const char *options)
{
	_cleanup_(call_done) struct call c = { 0 };
	int err;

	if (mount_point_at(AT_FDCWD, where))
		return 0;

	take_apart(options, &c);
	err = c.data.failed ? -ENOMEM : call_mount(what, where, type, &c);
	/* Half of it, a bind that is not read-only, say, is worse than nothing. */
	if (err < 0 && mount_point_at(AT_FDCWD, where))
		umount2(where, MNT_DETACH);
	return err;
}

static int tell(int err, const char *where)
{
	return err < 0 ? log_error(err, "%s: %s; its unit tries again", where, strerror(-err)) : 0;
}

static void mount_one(const char *what, const char *where, const char *type, const char *options)
{
	tell(try_mount(what, where, type, options), where);
}

static void mount_pool(const struct plan_pool *pool)
{
	_cleanup_free_ char *options = NULL;

	if (pool->early && make_mount_point(pool->dir) >= 0 && options_pool(pool, &options) >= 0)
		mount_one("rofs", pool->dir, "tmpfs", options);
}

void mounts_pools(const struct plan *p)
{
	/* The shared pool comes first: the others, and /rofs/ro, have their mount points in it. */
	mount_pool(&p->pools[0]);
	if (make_mount_point("/rofs/ro") >= 0)
		mount_one("/", "/rofs/ro", NULL, OPTIONS_RO);
	for (size_t i = 1; i < p->n_pools; i++)
		mount_pool(&p->pools[i]);
	if (p->tmp)
		mount_one("tmpfs", "/tmp", "tmpfs", OPTIONS_TMP);
}

/* PID 1's bind on /etc/machine-id is let go of when the overlay, which has the id, covers it. */
static void bind_etc(const char *what)
{
	_cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int held = root_fd < 0 || mount_point_at(AT_FDCWD, "/etc") ? -ENOENT :
								     machine_id_hold(root_fd);

	mount_one(what, "/etc", NULL, OPTIONS_BIND);
	if (held < 0)
		return;
	if (mount_point_at(AT_FDCWD, "/etc"))
		machine_id_release(held);
	else
		close(held);
}

/*
 * Without overlayfs the path is bound on itself, read-only. Its unit is active by that, so that
 * persists below the path are still mounted; that of the overlay fails, and shows why. With what is
 * mounted below: /etc has PID 1's machine-id.
 */
static void bind_read_only(const struct plan_overlay *o)
{
	int err = try_mount(o->path, o->path, NULL, "rbind,ro,private");

	/* Shared again as everything is, but not with /: persists would show up there as well. */
	if (err >= 0 && mount(NULL, o->path, NULL, MS_SHARED, NULL) < 0)
		err = -errno;
	tell(err, o->path);
}

static void bind_to_path(const char *what, const char *path)
{
	if (strcmp(path, "/etc") == 0)
		bind_etc(what);
	else
		mount_one(what, path, NULL, OPTIONS_BIND);
}

int mounts_merged(const struct plan *p, const struct plan_overlay *o)
{
	_cleanup_free_ char *options = NULL;
	int err;

	if (options_merged(p, o, &options) < 0)
		return -ENOMEM;
	err = make_mount_point(o->merged);
	if (err < 0)
		return err;

	err = try_mount("rofs", o->merged, "overlay", options);
	if (err >= 0 || err == -ENODEV)
		return err;
	tell(err, o->merged);
	return mount_error_explain(o, err);
}

int mounts_overlay(const struct plan *p, const struct plan_overlay *o)
{
	int err = mounts_merged(p, o);

	if (err == -ENODEV)
		bind_read_only(o);
	if (err < 0)
		return err;
	bind_to_path(o->merged, o->path);
	return 0;
}

/* The same overlay, with its changes in the shared pool; without overlayfs the lower, read-only. */
static int mount_volatile(int root_fd, const struct plan *p, const struct plan_overlay *o,
			  char *where)
{
	_cleanup_free_ char *layers = NULL;
	struct plan_overlay in_ram = *o;
	int err;

	if (asprintf(&layers, PLAN_RAM_LAYERS_DIR "%s", o->path) < 0)
		return layers = NULL, -ENOMEM;
	in_ram.on_partition = false;
	in_ram.layers = layers;
	in_ram.merged = where;
	err = layer_prepare(root_fd, p, &in_ram);
	if (err < 0)
		return err;
	err = mounts_merged(p, &in_ram);
	if (err != -ENODEV)
		return err;
	log_error(err, "this kernel has no overlayfs: %s stays read-only", o->path);
	mount_one(o->lower, where, NULL, OPTIONS_RO);
	return 0;
}

int mounts_fallback(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	char *where = p->prepares[o->fallback].dir;
	int err;

	err = make_mount_point(where);
	if (err < 0)
		return err;
	if (mount_point_at(AT_FDCWD, o->merged))
		mount_one(o->merged, where, NULL, OPTIONS_BIND ",private");
	else if (o->conf->if_missing == IF_MISSING_VOLATILE)
		err = mount_volatile(root_fd, p, o, where);
	else
		mount_one(o->lower, where, NULL, OPTIONS_RO);
	if (err < 0)
		return err;
	if (!mount_point_at(AT_FDCWD, where))
		return -EIO; /* mount_one() has said why */

	bind_to_path(where, o->path);
	return 0;
}
