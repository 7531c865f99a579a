/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/layers.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "basic/beneath.h"
#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/copy-tree.h"

/* On a partition. The lock of the window keeps others out. */
#define ON_DIR ".rofs-chroot"

static int refuse(char **ret_why, const char *format, const char *name)
{
	_cleanup_free_ char *why = NULL;
	int err = text_format(&why, "%s%s", name, format);

	if (err >= 0)
		err = text_printable(why, ret_why);
	return err < 0 ? err : -EPERM;
}

/* The root directory of an overlay has the attributes of its upper one. */
static int make_layers(const struct chroot_system *s)
{
	_cleanup_close_ int upper = make_path(s->layers_fd, s->upper, 0755);
	struct failure f;
	int err;

	if (upper < 0)
		return upper;
	err = make_dir(s->layers_fd, CHROOT_WORK, 0700);
	return err < 0 ? err : attributes_copy(s->fd, upper, &f);
}

static int make_staged(struct chroot *c)
{
	int err = 0;

	for (size_t i = 0; i < c->n_systems && err >= 0; i++) {
		struct chroot_system *s = &c->systems[i];

		if (s->copied)
			continue;
		s->layers_fd = stage_dir_fd(c->stage, s->index);
		err = s->layers_fd < 0 ? s->layers_fd : make_layers(s);
	}
	return err;
}

static const struct plan_partition *find_partition(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf && strcmp(p->partitions[i].conf->section.name, name) == 0)
			return &p->partitions[i];
	return NULL;
}

static bool can_hold(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 &&
	       file_system_by_magic((unsigned long)st.f_type)->layer != LAYER_NEVER;
}

/* Who can write there could put a directory of theirs in the place of the layers, and it would become the system. */
static bool is_of_root(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && only_root_writes(&st);
}

static int open_partition(const struct chroot *c, char **ret_why)
{
	const char *name = c->options.on;
	const struct plan_partition *p = find_partition(&c->loaded.plan, name);
	_cleanup_close_ int root = -1, fd = -1;

	if (!p)
		return refuse(ret_why, ": no partition of rofs.conf that is used has this name",
			      name);
	/* In the mount namespace of the window, which is not that of the descriptors from before. */
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || !mount_point_at(root, p->where))
		return refuse(ret_why, ": the partition is not mounted; see rofs status", name);
	fd = open_beneath(root, p->where, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && !can_hold(fd))
		return refuse(ret_why, ": overlayfs cannot use the file system of the partition",
			      name);
	if (fd >= 0 && !is_of_root(fd))
		return refuse(ret_why,
			      ": others than root may write to the root directory of the partition",
			      name);
	return fd < 0 ? fd : TAKE_FD(fd);
}

static int make_on(struct chroot_system *s, int dir_fd, size_t i)
{
	char name[24];

	snprintf(name, sizeof(name), "%zu", i);
	s->layers_fd = make_dir_at(dir_fd, name, 0700);
	return s->layers_fd < 0 ? s->layers_fd : make_layers(s);
}

static int make_on_partition(struct chroot *c, char **ret_why)
{
	_cleanup_close_ int dir = -1;
	int err = 0;

	c->on_fd = open_partition(c, ret_why);
	if (c->on_fd < 0)
		return c->on_fd;
	err = copy_tree_remove(c->on_fd, ON_DIR);
	if (err < 0)
		return err;
	dir = make_dir_at(c->on_fd, ON_DIR, 0700);
	if (dir < 0)
		return dir;
	for (size_t i = 0; i < c->n_systems && err >= 0; i++)
		if (!c->systems[i].copied)
			err = make_on(&c->systems[i], dir, i);
	return err;
}

int layers_make(struct chroot *c, char **ret_why)
{
	return c->options.on ? make_on_partition(c, ret_why) : make_staged(c);
}

static int check_room(struct chroot *c, const struct chroot_system *s, char **ret_why)
{
	struct copy_size need;
	struct statfs st;
	int err;

	if (fstatfs(s->fd, &st) < 0)
		return -errno;
	err = copy_tree_measure(s->layers_fd, CHROOT_UPPER, (uint64_t)st.f_bsize, &need);
	return err < 0 ? err : stage_room(c->stage, s->index, &need, ret_why);
}

static int bring(struct chroot *c, const struct chroot_system *s, char **ret_why)
{
	_cleanup_free_ char *where = NULL;
	char text[FAILURE_TEXT_MAX];
	struct failure f;
	int err = check_room(c, s, ret_why), failed;

	if (err < 0)
		return err;
	err = copy_tree(s->layers_fd, CHROOT_UPPER, stage_dir_fd(c->stage, s->index), CHROOT_UPPER,
			stage_links_fd(c->stage, s->index), &f, &where);
	if (err >= 0)
		return 0;
	failed = text_format(ret_why, "cannot %s %s: %s", failure_text(&f, text),
			     where ? where : s->path, failure_reason(&f, err));
	return failed < 0 ? failed : -EPERM;
}

int layers_bring(struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 0; c->options.on && i < c->n_systems && err >= 0; i++)
		if (!c->systems[i].copied)
			err = bring(c, &c->systems[i], ret_why);
	return err;
}

void layers_remove(struct chroot *c)
{
	if (!c->options.on || c->on_fd < 0)
		return;
	for (size_t i = 0; i < c->n_systems; i++) {
		if (c->systems[i].copied)
			continue;
		closep(&c->systems[i].layers_fd);
		c->systems[i].layers_fd = -1;
	}
	copy_tree_remove(c->on_fd, ON_DIR);
	close(TAKE_FD(c->on_fd));
}
