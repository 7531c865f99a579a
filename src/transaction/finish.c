/* SPDX-License-Identifier: MIT */
#include "transaction/finish.h"

#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "transaction/keep.h"
#include "transaction/names.h"
#include "transaction/switch.h"

/* A transaction whose mark is set, on the file systems that its record counts. */
struct finishing {
	const struct window *w;
	int root_base, dir_fd; /* on the root file system; the first is borrowed */
	struct record record;
	struct place *places;
	size_t n;
	bool went_back; /* all files are as before the transaction */
};

static void finishing_done(struct finishing *f)
{
	for (size_t i = 0; i < f->n; i++)
		place_done(&f->places[i]);
	free(f->places);
	record_done(&f->record);
	closep(&f->dir_fd);
}

/* The index in the window; 0: it is not here, or is the root. */
static size_t find_in_window(const struct window *w, const char *where)
{
	for (size_t i = 1; i < window_count(w); i++)
		if (strcmp(window_where(w, i), where) == 0)
			return i;
	return 0;
}

/*
 * The directory of the transaction on another file system. If that has none, it became kept.N before the power
 * cut, or another medium is there by now: nothing is to be done.
 */
static int open_other(struct finishing *f, size_t i)
{
	size_t here = find_in_window(f->w, f->record.where[i]);
	struct place *p = &f->places[i];
	char name[NAME_SIZE];
	int err;

	if (here == 0)
		return 0;
	err = place_open(p, window_fd(f->w, here), window_dir(f->w, here));
	if (err < 0)
		return err;
	p->dir_fd = open_dir_at(p->base_fd, name_of(name, NAME_STAGING, f->record.number));
	if (p->dir_fd >= 0)
		return 0;
	if (p->dir_fd != -ENOENT)
		return p->dir_fd;
	place_done(p);
	return keep_note(f->dir_fd, i);
}

static int open_root(struct finishing *f)
{
	struct place *p = &f->places[0];
	int err = place_open(p, window_fd(f->w, 0), window_dir(f->w, 0));

	if (err < 0)
		return err;
	p->dir_fd = open_dir_at(f->dir_fd, ".");
	return p->dir_fd < 0 ? p->dir_fd : 0;
}

static int open_places(struct finishing *f, bool is_commit)
{
	int err;

	f->places = calloc(f->record.n_where, sizeof(*f->places));
	if (!f->places)
		return -ENOMEM;
	f->n = f->record.n_where;
	for (size_t i = 0; i < f->n; i++)
		f->places[i] = (struct place)PLACE_INIT;
	err = is_commit ? open_root(f) : 0;
	for (size_t i = 1; i < f->n && err >= 0; i++)
		err = open_other(f, i);
	return err;
}

static int sync_all(const struct finishing *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->places[i].root_fd >= 0 && syncfs(f->places[i].dir_fd) < 0)
			return -errno;
	return 0;
}

static int keep_others(const struct finishing *f)
{
	int err = 0;

	for (size_t i = 1; i < f->n && err >= 0; i++)
		if (f->places[i].root_fd >= 0)
			err = keep_other(&f->places[i], f->dir_fd, i, f->record.number);
	return err;
}

static int keep_root(const struct finishing *f, const char *name)
{
	bool all = keep_is_done(f->dir_fd, f->n);
	char new[NAME_SIZE];

	name_of(new, all ? NAME_KEPT : NAME_PENDING, f->record.number);
	return strcmp(new, name) == 0 ? 0 : keep(f->root_base, name, new);
}

static bool is_noted(const struct finishing *f, size_t i)
{
	return keep_is_noted(f->dir_fd, i);
}

/* Is there none for which it would have to wait? */
static bool is_all_here(const struct finishing *f)
{
	for (size_t i = 1; i < f->n; i++)
		if (f->places[i].root_fd < 0 && !is_noted(f, i))
			return false;
	return true;
}

static int note_others(const struct finishing *f)
{
	int err = 0;

	for (size_t i = 1; i < f->n && err >= 0; i++)
		if (f->places[i].root_fd >= 0)
			err = keep_note(f->dir_fd, i);
	return err;
}

/* A later transaction removes it; while another file system waits for it, it is pending. */
static int keep_back(struct finishing *f, const char *name)
{
	char new[NAME_SIZE];
	int err = 0;

	f->went_back = is_all_here(f);
	if (!f->went_back)
		err = note_others(f);
	name_of(new, f->went_back ? NAME_TRASH : NAME_PENDING, f->record.number);
	return err < 0 || strcmp(new, name) == 0 ? err : keep(f->root_base, name, new);
}

/*
 * What cannot be completed now never can. A part of it is worse than nothing of it. The note has the file
 * systems that come later go back, too.
 */
static int go_back(struct finishing *f, const char *name)
{
	const struct place_list places = { .places = f->places, .n = f->n };
	int err = is_all_here(f) ? 0 : keep_note_back(f->dir_fd);

	if (err >= 0)
		err = switch_back(places, &f->record);
	if (err >= 0)
		err = sync_all(f);
	return err < 0 ? err : keep_back(f, name);
}

static int finish_forward(struct finishing *f, const char *name)
{
	int changed = switch_all((struct place_list){ .places = f->places, .n = f->n }, &f->record),
	    err;

	if (changed < 0) {
		go_back(f, name);
		return changed;
	}
	err = sync_all(f);
	if (err >= 0)
		err = keep_others(f);
	if (err >= 0)
		err = keep_root(f, name);
	return err < 0 ? err : changed;
}

/* At boot, the root file system, which comes first, has told why. */
static int finish_back(struct finishing *f, const char *name, bool is_commit)
{
	int err = go_back(f, name);

	return err >= 0 && is_commit ? -EUCLEAN : err;
}

static int finish(struct finishing *f, const char *name)
{
	bool is_commit = strcmp(name, NAME_COMMIT) == 0;
	int err = record_read(f->dir_fd, &f->record);

	if (err == -ENOENT)
		err = -EBADMSG;
	if (err >= 0)
		err = open_places(f, is_commit);
	if (err < 0)
		return err;
	return keep_is_noted_back(f->dir_fd) ? finish_back(f, name, is_commit) :
					       finish_forward(f, name);
}

static int explain(int err, const char *name, bool went_back, char **ret_why)
{
	const char *reason = err == -EUCLEAN ? "the files are not as the record says" :
			     err == -EBADMSG ? "its record is damaged" :
					       strerror(-err);
	int r = text_format(ret_why,
			    "cannot complete the transaction in /" WINDOW_ROOT_DIR "/%s: %s%s",
			    name, reason,
			    !went_back			   ? "; see rofs-finish(8)" :
			    strcmp(name, NAME_COMMIT) == 0 ? "; all files are as before it" :
							     "; there, all files are as before it");

	/* What it has switched is not known, so nothing is removed: that is for the user to decide. */
	return r < 0 ? r : err == -EBADMSG ? -EPERM : err;
}

static int finish_one(const struct window *w, int root_base, const char *name, char **ret_why)
{
	struct finishing f = { .w = w, .root_base = root_base };
	int r;

	f.dir_fd = open_dir_at(root_base, name);
	if (f.dir_fd == -ENOENT)
		return 0;
	r = f.dir_fd == -ENOTDIR || f.dir_fd == -ELOOP ? -EBADMSG :
	    f.dir_fd < 0			       ? f.dir_fd :
							 finish(&f, name);
	r = r < 0 ? explain(r, name, f.went_back, ret_why) : r;
	finishing_done(&f);
	return r;
}

static int finish_all_pending(const struct window *w, int root_base, char **ret_why)
{
	_cleanup_name_list_ struct name_list pending = { 0 };
	int changed = 0, err = name_list_read(root_base, NAME_PENDING, &pending);

	for (size_t i = 0; i < pending.n && err >= 0; i++) {
		char name[NAME_SIZE];

		name_of(name, NAME_PENDING, pending.numbers[i]);
		err = finish_one(w, root_base, name, ret_why);
		changed |= err > 0;
	}
	return err < 0 ? err : changed;
}

static int open_base(struct window *w, struct place *p, char **ret_why)
{
	int err = place_open(p, window_fd(w, 0), window_dir(w, 0)), r;

	if (err != -EPERM)
		return err;
	r = text_format(ret_why, "%s",
			"/" WINDOW_ROOT_DIR " is not a directory with owner root and mode 0700");
	return r < 0 ? r : err;
}

int finish_pending(struct window *w, char **ret_why)
{
	struct place root = PLACE_INIT;
	int r = open_base(w, &root, ret_why);

	if (r >= 0)
		r = finish_all_pending(w, root.base_fd, ret_why);
	place_done(&root);
	return r;
}

int finish_interrupted(struct window *w, char **ret_why)
{
	struct place root = PLACE_INIT;
	int changed, r;

	*ret_why = NULL;
	changed = open_base(w, &root, ret_why);
	if (changed >= 0)
		changed = finish_one(w, root.base_fd, NAME_COMMIT, ret_why);
	r = changed < 0 ? changed : finish_all_pending(w, root.base_fd, ret_why);
	place_done(&root);
	return r < 0 ? r : changed | r;
}
