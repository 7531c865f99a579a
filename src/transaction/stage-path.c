/* SPDX-License-Identifier: MIT */
/* What is to be done with each path is looked at before anything of the lower changes. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "transaction/directory.h"
#include "transaction/fixed-flags.h"
#include "transaction/names.h"
#include "transaction/project.h"
#include "transaction/staging.h"

/* The root directory of a file system has two names. */
static const char *clean_path(const char *path)
{
	return strcmp(path, ".") == 0 ? "" : path;
}

/* With the path as users see it. */
static int refuse_path(struct stage *s, size_t fs, const char *path, const char *why)
{
	const struct record_entry e = { .fs = (uint32_t)fs, .path = (char *)path };
	_cleanup_free_ char *shown = NULL;

	if (record_user_path(&s->record, &e, &shown) < 0)
		return -ENOMEM;
	return stage_refuse(s, "%s %s", shown, why);
}

static int explain(struct stage *s, size_t fs, const char *path, int err)
{
	if (err == -EXDEV)
		return refuse_path(
			s, fs, path,
			"is on another file system or subvolume, which cannot be changed "
			"with this one");
	if (err == -ELOOP)
		return refuse_path(s, fs, path, "is reached through a symbolic link");
	return err;
}

/* The top of another subvolume, or a mount point. */
static int check_file(const struct place *p, const struct place_file *f)
{
	return !f->exists || f->dev == p->dev ? 0 : -EXDEV;
}

/* The directory that this is staged in, or something in it. */
static bool is_of_transactions(const struct stage *s, size_t fs, const char *path)
{
	const char *dir = window_dir(s->w, fs);
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

static int look_at_path(struct stage *s, size_t fs, const char *path, int *ret_fd,
			const char **ret_name, struct place_file *ret)
{
	struct place *p = &s->places[fs];
	int err;

	if (!record_is_beneath(path))
		return refuse_path(s, fs, path, "is not a clean path");
	if (is_of_transactions(s, fs, path))
		return refuse_path(s, fs, path, "is a name that rofs reserves for transactions");
	*ret_fd = place_path(p, path, ret_name);
	err = *ret_fd < 0 ? *ret_fd : place_look(*ret_fd, *ret_name, ret);
	if (err >= 0)
		err = check_file(p, ret);
	return err < 0 ? explain(s, fs, path, err) : 0;
}

static int look_at_slot(struct stage *s, size_t fs, const char *slot, int *ret_fd,
			const char **ret_name, struct place_file *ret)
{
	struct place *p = &s->places[fs];
	int err;

	*ret_fd = place_slot(p, slot, ret_name);
	err = *ret_fd < 0 ? *ret_fd : place_look(*ret_fd, *ret_name, ret);
	if (err >= 0 && !ret->exists)
		return -ENOENT;
	return err < 0 ? err : check_file(p, ret);
}

/* Of the directory that the path is in, which was opened last. */
static int take_project(struct stage *s, size_t fs, int slot_fd, const char *slot,
			struct place_file *staged)
{
	struct place_parent *to = &s->places[fs].parent;
	int err;

	if (to->has_project < 0)
		to->has_project = project_of(to->fd, &to->project);
	if (to->has_project <= 0)
		return to->has_project;
	if (S_ISREG(staged->mode) || S_ISDIR(staged->mode))
		return project_set(slot_fd, slot, to->project);
	err = project_remake(slot_fd, slot, s->staging[fs].links_fd, to->project);
	return err < 0 ? err : place_look(slot_fd, slot, staged);
}

int stage_new(struct stage *s, size_t fs, const char *slot, const char *path)
{
	struct place_file staged = { 0 }, there = { 0 };
	struct record_entry *e;
	const char *name;
	int fd, err;

	if (fs >= s->n || !*clean_path(path))
		return -EINVAL;
	err = look_at_path(s, fs, path, &fd, &name, &there);
	if (err < 0)
		return err;
	err = look_at_slot(s, fs, slot, &fd, &name, &staged);
	if (err >= 0 && staged.flags)
		err = fixed_flags_clear(fd, name);
	if (err >= 0)
		err = take_project(s, fs, fd, name, &staged);
	if (err >= 0)
		err = record_add(&s->record, RECORD_NEW, (uint32_t)fs, slot, path, &e);
	if (err < 0)
		return err;
	e->inode = staged.inode;
	e->old_inode = there.inode;
	e->flags = staged.flags;
	e->old_flags = there.flags;
	if (S_ISDIR(staged.mode))
		e->mtime = staged.mtime;
	return 0;
}

int stage_gone(struct stage *s, size_t fs, const char *path)
{
	char staging[NAME_SIZE], slot[64];
	struct place_file there = { 0 };
	struct record_entry *e;
	const char *name;
	int fd, err;

	if (fs >= s->n || !*clean_path(path))
		return -EINVAL;
	err = look_at_path(s, fs, path, &fd, &name, &there);
	if (err < 0)
		return err;
	if (!there.exists)
		return -ENOENT;
	snprintf(slot, sizeof(slot), "%s/" STAGING_GONE "/%zu", stage_name(s, fs, staging),
		 ++s->n_slots);
	err = record_add(&s->record, RECORD_GONE, (uint32_t)fs, slot, path, &e);
	if (err < 0)
		return err;
	e->inode = there.inode;
	e->old_flags = there.flags;
	return 0;
}

/* For undo; by the inode number, since a path may be too long for a name. */
static int save_old(struct stage *s, size_t fs, int fd, const char *name, uint64_t inode)
{
	char old[24];

	snprintf(old, sizeof(old), "%" PRIu64, inode);
	return directory_save_attributes(fd, name, s->staging[fs].old_fd, old);
}

int stage_attributes(struct stage *s, size_t fs, const char *slot, const char *path)
{
	struct place_file template = { 0 }, there = { 0 };
	struct record_entry *e;
	const char *name;
	int fd, err;

	path = clean_path(path);
	if (fs >= s->n)
		return -EINVAL;
	err = look_at_slot(s, fs, slot, &fd, &name, &template);
	if (err >= 0)
		err = look_at_path(s, fs, path, &fd, &name, &there);
	if (err >= 0 && !there.exists)
		err = -ENOENT;
	if (err >= 0 && (!S_ISDIR(template.mode) || !S_ISDIR(there.mode)))
		err = -ENOTDIR;
	if (err >= 0)
		err = save_old(s, fs, fd, name, there.inode);
	if (err >= 0)
		err = record_add(&s->record, RECORD_ATTRIBUTES, (uint32_t)fs, slot, path, &e);
	if (err < 0)
		return err;
	e->inode = there.inode;
	e->flags = template.flags;
	e->old_flags = there.flags;
	return 0;
}

void stage_flags(struct stage *s, unsigned flags)
{
	if (s->record.n_entries > 0)
		s->record.entries[s->record.n_entries - 1].flags = flags;
}

void stage_late_flags(struct stage *s)
{
	s->has_late_flags = true;
}
