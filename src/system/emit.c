/* SPDX-License-Identifier: MIT */
#include "system/emit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/text.h"

#define ASIDE ".rofs-" /* before the name of a directory of links that is not in place yet */

static int make_parent(int dir_fd, const char *name)
{
	_cleanup_free_ char *parent = NULL;
	const char *slash = strchr(name, '/');

	if (!slash)
		return 0;
	parent = strndup(name, (size_t)(slash - name));
	if (!parent)
		return -ENOMEM;
	return make_dir(dir_fd, parent, 0755);
}

/* Like openat(2) or symlinkat(2): a descriptor, 0 for a link, or -errno. */
static int create(int dir_fd, const struct unit_file *u)
{
	int fd;

	if (u->link)
		return symlinkat(u->text, dir_fd, u->name) < 0 ? -errno : 0;

	fd = openat(dir_fd, u->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static int write_unit(int dir_fd, const struct unit_file *u)
{
	_cleanup_close_ int fd = -1;
	int err;

	/* Most files have a directory already: it is made when it is missed. */
	err = create(dir_fd, u);
	if (err == -ENOENT) {
		err = make_parent(dir_fd, u->name);
		if (err >= 0)
			err = create(dir_fd, u);
	}
	if (err < 0 || u->link)
		return err;

	fd = err;
	err = write_all(fd, u->text, strlen(u->text));
	if (err < 0)
		return err;

	/* A full file system may say so only now. */
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

static size_t dir_length(const char *name)
{
	return strcspn(name, "/");
}

static bool same_dir(const char *a, const char *b)
{
	return dir_length(a) == dir_length(b) && strncmp(a, b, dir_length(a)) == 0;
}

static int aside_of(const char *name, char **ret)
{
	return text_format(ret, ASIDE "%s", name);
}

static int write_link_aside(int dir_fd, const struct unit_file *u)
{
	_cleanup_free_ char *name = NULL;
	struct unit_file aside = *u;
	int err = aside_of(u->name, &name);

	if (err < 0)
		return err;
	aside.name = name;
	return write_unit(dir_fd, &aside);
}

/* A directory of links, or one link. */
static int put_in_place(int dir_fd, const char *name)
{
	_cleanup_free_ char *aside = NULL;
	int err = aside_of(name, &aside);

	if (err < 0)
		return err;
	return renameat(dir_fd, aside, dir_fd, name) < 0 ? -errno : 0;
}

/* The links of @dir one by one, from @first on, beside those of another generator. */
static int put_links_in_place(int dir_fd, const struct unit_set *set, size_t first, const char *dir)
{
	_cleanup_free_ char *aside = NULL;
	int err = aside_of(dir, &aside);

	for (size_t i = first; i < set->n_files && err >= 0; i++)
		if (same_dir(set->files[i].name, dir))
			err = put_in_place(dir_fd, set->files[i].name);
	if (err < 0)
		return err;
	return unlinkat(dir_fd, aside, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* The directory that link @first is the first of: at once, unless it exists already. */
static int put_dir_in_place(int dir_fd, const struct unit_set *set, size_t first)
{
	const char *name = set->files[first].name;
	_cleanup_free_ char *dir = strndup(name, dir_length(name));
	int err = dir ? put_in_place(dir_fd, dir) : -ENOMEM;

	if (err == -EEXIST || err == -ENOTEMPTY)
		return put_links_in_place(dir_fd, set, first, dir);
	return err;
}

static bool is_first_of_dir(const struct unit_set *set, size_t link)
{
	/* Few directories: .wants, .requires, those of masks; runs of the same one are long. */
	if (link > set->first_link && same_dir(set->files[link].name, set->files[link - 1].name))
		return false;
	for (size_t i = set->first_link; i < link; i++)
		if (same_dir(set->files[i].name, set->files[link].name))
			return false;
	return true;
}

/* @written counts what was written, for undo(). */
static int write_set(int dir_fd, const struct unit_set *set, size_t *written,
		     struct emit_failure *failure)
{
	int err;

	for (*written = 0; *written < set->n_files; (*written)++) {
		const struct unit_file *u = &set->files[*written];

		failure->name = u->name;
		err = *written < set->first_link ? write_unit(dir_fd, u) :
						   write_link_aside(dir_fd, u);
		if (err < 0)
			return err;
	}

	for (size_t i = set->first_link; i < set->n_files; i++) {
		if (!is_first_of_dir(set, i))
			continue;
		failure->name = set->files[i].name;
		err = put_dir_in_place(dir_fd, set, i);
		if (err < 0)
			return err;
	}
	return 0;
}

static int remove_one(int dir_fd, const char *name)
{
	_cleanup_free_ char *parent = strndup(name, dir_length(name));
	int err = unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;

	/* Fails, as it should, when somebody else's file is in it. */
	if (parent && strchr(name, '/'))
		unlinkat(dir_fd, parent, AT_REMOVEDIR);
	return err;
}

static void undo(int dir_fd, const struct unit_set *set, size_t written)
{
	for (size_t i = written; i > 0; i--) {
		const struct unit_file *u = &set->files[i - 1];
		_cleanup_free_ char *aside = NULL;

		/* A link that is no longer aside is in place. */
		if (i > set->first_link && aside_of(u->name, &aside) >= 0 &&
		    remove_one(dir_fd, aside) == 0)
			continue;
		remove_one(dir_fd, u->name);
	}
}

/* A file that could be made but not filled is one more to remove. */
static size_t count_for_undo(const struct unit_set *set, size_t written, int err)
{
	return written < set->n_files && err != -EEXIST ? written + 1 : written;
}

static int emit_unblocked(int dir_fd, const struct unit_set *set, struct emit_failure *failure)
{
	size_t written;
	int err = write_set(dir_fd, set, &written, failure);

	if (err < 0)
		undo(dir_fd, set, count_for_undo(set, written, err));
	return err;
}

int emit_at(int dir_fd, const struct unit_set *set, struct emit_failure *failure)
{
	sigset_t all, before;
	int err;

	*failure = (struct emit_failure){ 0 };
	sigfillset(&all);
	/* Crashes must still be handled. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_BLOCK, &all, &before);
	err = emit_unblocked(dir_fd, set, failure);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

int emit(const char *dir, const struct unit_set *set, struct emit_failure *failure)
{
	_cleanup_close_ int dir_fd = -1;
	int err;

	*failure = (struct emit_failure){ 0 };
	err = make_dir(AT_FDCWD, dir, 0755);
	if (err < 0)
		return err;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -errno : emit_at(dir_fd, set, failure);
}
