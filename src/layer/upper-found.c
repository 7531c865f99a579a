/* SPDX-License-Identifier: MIT */
#include "layer/upper-found.h"

#include <fcntl.h>

#include "basic/io.h"
#include "layer/compare.h"

void found_done(struct found *f)
{
	closep(&f->upper_fd);
	closep(&f->lower_fd);
	names_done(&f->names);
}

bool is_race(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -ESTALE;
}

struct found found_at(const struct parent *in, const char *path, struct path_node *node,
		      const char *name)
{
	return (struct found){ .entry = { .path = path,
					  .node = node,
					  .name = name,
					  .upper_dir = in->upper_dir,
					  .lower_dir = in->lower_dir },
			       .upper_fd = -1,
			       .lower_fd = -1 };
}

/* Leaves @f->names empty when it is as it was read before. Returns 0 or -errno. */
static int read_names(struct found *f, bool *torn)
{
	struct stamp after;
	struct stat st;
	int several;

	if (fstat(f->upper_fd, &st) < 0)
		return -errno;
	f->stamp = stamp_of(&st);
	if (f->dir && stamp_is_same(&f->dir->stamp, &f->stamp))
		return 0;

	several = names_read(f->upper_fd, &f->names);
	if (several > 0) {
		after = fstat(f->upper_fd, &st) < 0 ? SEEN_GONE : stamp_of(&st);
		*torn |= !stamp_is_same(&f->stamp, &after);
	}
	if (several == -ENOMEM || (f->dir && names_remove(&f->names, &f->dir->names) < 0))
		return -ENOMEM;
	return several < 0 ? several : 0;
}

/* Opens the directory in the upper layer. Returns 0, or -errno when it is gone or memory is. */
static int open_upper(struct found *f, bool in_opaque, bool *torn)
{
	int opaque, err;

	f->upper_fd = open_dir_at(f->entry.upper_dir, f->entry.name);
	err = f->upper_fd < 0 ? f->upper_fd : read_names(f, torn);
	if (is_race(err) || err == -ENOMEM)
		return err;
	/* The names before an error are good. */
	if (err < 0)
		change_set_unread(&f->facts, CHANGE_UNREAD_DIRECTORY, err);
	if (f->upper_fd < 0)
		return 0;

	/*
	 * Below an opaque directory the kernel merges nothing, so it does not mark those that are
	 * made there.
	 */
	opaque = in_opaque ? 1 : compare_opaque(f->upper_fd);
	if (opaque < 0)
		change_set_unread(&f->facts, CHANGE_UNREAD_ATTRIBUTES, opaque);
	f->opaque = opaque > 0;
	return 0;
}

static void open_lower(struct found *f)
{
	const struct upper_entry *e = &f->entry;

	if (!e->lower || !S_ISDIR(e->lower->st_mode))
		return;
	f->lower_fd = open_dir_at(e->lower_dir, e->name);
	if (f->lower_fd >= 0)
		return;
	f->lower_error = f->lower_fd;
	change_set_unread(&f->facts, CHANGE_UNREAD_LOWER, f->lower_error);
}

/* Returns 1 when the lower has something of this name, 0 when not, or -errno. */
static int look_below(const struct parent *in, const char *name, struct stat *ret)
{
	if (in->lower_dir < 0)
		return in->lower_error;
	if (fstatat(in->lower_dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

int found_look_up(struct found *f, const struct parent *in, bool *torn)
{
	struct upper_entry *e = &f->entry;
	int err;

	if (fstatat(e->upper_dir, e->name, &f->upper, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	e->upper = f->facts.upper = &f->upper;
	err = look_below(in, e->name, &f->lower);
	if (err > 0)
		e->lower = f->facts.lower = &f->lower;
	if (err < 0) {
		f->lower_error = err;
		change_set_unread(&f->facts, CHANGE_UNREAD_LOWER, err);
	}
	if (!S_ISDIR(f->upper.st_mode))
		return 0;

	err = open_upper(f, in->opaque, torn);
	if (err < 0)
		return err;
	open_lower(f);
	return 0;
}

void found_read_ahead(const struct parent *in, const char *name)
{
	const struct compare_pair pair = { in->upper_dir, in->lower_dir, name };
	struct stat upper, lower;

	if (fstatat(in->upper_dir, name, &upper, AT_SYMLINK_NOFOLLOW) < 0 ||
	    look_below(in, name, &lower) <= 0)
		return;
	if (change_ask(&upper, &lower) & CHANGE_ASK_CONTENT)
		compare_ahead(&pair);
}

int found_decide(struct found *f, struct compare *compare, bool large)
{
	struct upper_entry *e = &f->entry;
	const struct compare_pair pair = { e->upper_dir, e->lower_dir, e->name };
	unsigned ask = change_ask(e->upper, e->lower) | (large ? CHANGE_ASK_LARGE : 0);

	f->facts.opaque = (ask & CHANGE_ASK_OPAQUE) && f->opaque;
	compare_answer(compare, &pair, ask, &f->facts);
	/* A directory is open, and has told for itself. */
	if (!S_ISDIR(e->upper->st_mode) && f->facts.unread >= CHANGE_UNREAD_ATTRIBUTES &&
	    is_race(-f->facts.error))
		return -f->facts.error;
	e->change = change_decide(&f->facts);
	return 0;
}
