/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/switch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/chattr.h"
#include "layer/names.h"

/*
 * The directory itself cannot be the pattern for its attributes: its time changes when what is in it is
 * switched.
 */
static int make_pattern(int upper_fd, const char *path, const struct slot *slot)
{
	_cleanup_close_ int from = open_beneath(upper_fd, path, O_RDONLY | O_DIRECTORY), to = -1;
	struct failure f;
	int err;

	if (from < 0)
		return from;
	to = make_dir_at(slot->dir_fd, slot->name, 0700);
	if (to < 0)
		return to;
	err = attributes_copy(from, to, &f);
	return err < 0 ? err : chattr_set(to, delta_flags(from));
}

static int stage_pattern(struct chroot *c, const struct chroot_system *s, int upper_fd,
			 const char *path)
{
	struct slot slot;
	int err = stage_slot(c->stage, s->index, &slot);

	if (err >= 0)
		err = make_pattern(upper_fd, path, &slot);
	return err < 0 ? err : stage_attributes(c->stage, s->index, slot.path, path);
}

/* What is in the upper layer is its own slot: nothing is copied. */
static int stage_upper(struct chroot *c, const struct chroot_system *s, const char *dir,
		       const char *path)
{
	_cleanup_free_ char *slot = NULL;

	if (text_format(&slot, "%s/%s/%s", dir, s->upper, path) < 0)
		return -ENOMEM;
	return stage_new(c->stage, s->index, slot, path);
}

/* Is an overlay of the running system mounted on this path of @s? The kernel then lets nobody rename it. */
static int is_held(const struct chroot *c, const struct chroot_system *s, const char *path)
{
	const struct plan *p = &c->loaded.plan;
	_cleanup_free_ char *whole = NULL;
	bool held = false;

	if (text_format(&whole, "%s/%s", s->path[1] ? s->path : "", path) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_overlays; i++) {
		/* In the order of paths: one above comes first, and its mount is on the directory below. */
		if (path_is_below(whole, p->overlays[i].path))
			return 0;
		held |= strcmp(whole, p->overlays[i].path) == 0;
	}
	return held && mount_point_at(AT_FDCWD, whole);
}

/* The directory stays, as the overlay needs it; all that is in it goes. */
static int stage_emptied(struct chroot *c, const struct chroot_system *s, const char *path)
{
	_cleanup_close_ int fd = open_beneath(s->fd, path, O_RDONLY | O_DIRECTORY);
	struct names names = { 0 };
	int err = fd < 0 ? fd : names_read(fd, &names);

	for (size_t i = 0; i < names.n && err >= 0; i++) {
		_cleanup_free_ char *name = NULL;

		err = text_format(&name, "%s/%s", path, names.sorted[i]);
		if (err >= 0)
			err = stage_gone(c->stage, s->index, name);
	}
	names_done(&names);
	return err < 0 ? err : 0;
}

static int stage_entry(struct chroot *c, const struct chroot_system *s, int upper_fd,
		       const char *dir, const struct delta_entry *e)
{
	int held = e->kind == DELTA_ATTRIBUTES ? 0 : is_held(c, s, e->path);

	if (held < 0)
		return held;
	switch (e->kind) {
	case DELTA_NEW:
		if (held > 0)
			return -EBUSY;
		return stage_upper(c, s, dir, e->path);
	case DELTA_GONE:
		if (held > 0)
			return stage_emptied(c, s, e->path);
		return stage_gone(c->stage, s->index, e->path);
	case DELTA_ATTRIBUTES:
		return stage_pattern(c, s, upper_fd, e->path);
	}
	return -EINVAL;
}

/* The name of the staging directory: all that is before the first slash of a slot. */
static int staging_name(struct chroot *c, const struct chroot_system *s, char **ret)
{
	struct slot slot;
	int err = stage_slot(c->stage, s->index, &slot);

	if (err < 0)
		return err;
	*ret = strndup(slot.path, strcspn(slot.path, "/"));
	return *ret ? 0 : -ENOMEM;
}

static int explain(const struct chroot *c, const struct chroot_system *s, const char *path, int err,
		   char **ret_why)
{
	_cleanup_free_ char *shown = NULL;
	/* It names the path. */
	const char *refused = err == -EPERM ? stage_why(c->stage) : NULL;
	const char *why = err == -EBUSY ? "cannot be replaced while an overlay is mounted on it; "
					  "change what is in it" :
					  strerror(-err);
	int failed = text_escape(path, &shown);

	if (failed >= 0 && refused)
		failed = text_format(ret_why, "%s", refused);
	else if (failed >= 0)
		failed = text_format(ret_why, "%s%s%s: %s", s->path, s->path[1] ? "/" : "", shown,
				     why);
	return failed < 0 ? failed : -EPERM;
}

static int stage_system(struct chroot *c, struct chroot_system *s, char **ret_why)
{
	_cleanup_close_ int upper = open_dir_at(stage_dir_fd(c->stage, s->index), s->upper);
	_cleanup_free_ char *dir = NULL;
	int err = upper < 0 ? upper : staging_name(c, s, &dir);

	for (size_t i = 0; i < s->delta.n && err >= 0; i++) {
		const struct delta_entry *e = &s->delta.entries[i];

		err = stage_entry(c, s, upper, dir, e);
		if (err < 0)
			return explain(c, s, e->path, err, ret_why);
	}
	stage_add_bytes(c->stage, s->delta.bytes);
	return err;
}

int switch_stage(struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 0; i < c->n_systems && err >= 0; i++)
		if (!c->systems[i].copied)
			err = stage_system(c, &c->systems[i], ret_why);
	return err;
}
