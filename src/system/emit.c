/* SPDX-License-Identifier: MIT */
#include "system/emit.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"

#define ASIDE ".rofs-" /* before the name of a directory of links that is not in place yet */

/* What is in the directory has a name of one or two components; put together without the heap. */
struct name {
	char text[sizeof(ASIDE) + (size_t)2 * (NAME_MAX + 1)];
};

/* struct link_dir - of an enabling link: those in the same directory, as indexes into the set */
struct link_dir {
	size_t first;
	size_t next; /* 0: none */
};

/* struct emission - what is being written, and how far */
struct emission {
	int dir_fd;
	const struct unit_set *set;
	struct link_dir *dirs; /* one for each link; owned */
	size_t written;	       /* how many of the set's files there are */
};

/* For emit_give_up(), as a signal handler is handed nothing. NULL: nothing is being written. */
static struct emission *volatile running;

static size_t dir_length(const char *name)
{
	return strcspn(name, "/");
}

static bool same_dir(const char *a, const char *b)
{
	return dir_length(a) == dir_length(b) && strncmp(a, b, dir_length(a)) == 0;
}

/* Both are of one array, so their addresses are their order. */
static int compare_dirs(const void *a, const void *b)
{
	const struct unit_file *x = *(const struct unit_file *const *)a,
			       *y = *(const struct unit_file *const *)b;

	/* Of a name that is the beginning of the other, the slash is not in both. */
	if (!same_dir(x->name, y->name))
		return strncmp(x->name, y->name, dir_length(x->name) + 1);
	return x < y ? -1 : x > y;
}

static struct link_dir *dir_of(const struct emission *e, size_t link)
{
	return &e->dirs[link - e->set->first_link];
}

/* Which links share a directory. */
static int find_dirs(struct emission *e)
{
	const struct unit_set *set = e->set;
	size_t n = set->n_files - set->first_link;
	_cleanup_free_ const struct unit_file **sorted = calloc(n + 1, sizeof(*sorted));

	e->dirs = calloc(n + 1, sizeof(*e->dirs));
	if (!sorted || !e->dirs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &set->files[set->first_link + i];
	qsort(sorted, n, sizeof(*sorted), compare_dirs);

	for (size_t i = 0; i < n; i++) {
		size_t link = (size_t)(sorted[i] - set->files);
		struct link_dir *before;

		dir_of(e, link)->first = link;
		if (i == 0 || !same_dir(sorted[i]->name, sorted[i - 1]->name))
			continue;
		before = dir_of(e, (size_t)(sorted[i - 1] - set->files));
		dir_of(e, link)->first = before->first;
		before->next = link;
	}
	return 0;
}

/* The first @n bytes of @name, behind @prefix. What does not fit the kernel would not take either. */
static int join_name(const char *prefix, const char *name, size_t n, struct name *ret)
{
	size_t len = strlen(prefix);

	if (len + n >= sizeof(ret->text))
		return -ENAMETOOLONG;
	memcpy(ret->text, prefix, len);
	memcpy(ret->text + len, name, n);
	ret->text[len + n] = '\0';
	return 0;
}

static int make_parent(int dir_fd, const char *name)
{
	const char *slash = strrchr(name, '/');
	struct name parent;
	int err;

	if (!slash)
		return 0;
	err = join_name("", name, (size_t)(slash - name), &parent);
	return err < 0 ? err : make_dir(dir_fd, parent.text, 0755);
}

/* Like openat(2) or symlinkat(2): a descriptor, 0 for a link, or -errno. */
static int create(int dir_fd, const char *name, const struct unit_file *u)
{
	int fd;

	if (u->link)
		return symlinkat(u->text, dir_fd, name) < 0 ? -errno : 0;

	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

/* The next file of the set, by the name @name. */
static int write_next(struct emission *e, const char *name)
{
	const struct unit_file *u = &e->set->files[e->written];
	_cleanup_close_ int fd = -1;
	int err;

	/* Most files have a directory already: it is made when it is missed. */
	err = create(e->dir_fd, name, u);
	if (err == -ENOENT) {
		err = make_parent(e->dir_fd, name);
		if (err >= 0)
			err = create(e->dir_fd, name, u);
	}
	if (err < 0)
		return err;
	e->written++;
	if (u->link)
		return 0;

	fd = err;
	err = write_all(fd, u->text, strlen(u->text));
	if (err < 0)
		return err;

	/* A full file system may say so only now. */
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

static int write_next_link_aside(struct emission *e)
{
	const char *name = e->set->files[e->written].name;
	struct name aside;
	int err = join_name(ASIDE, name, strlen(name), &aside);

	return err < 0 ? err : write_next(e, aside.text);
}

/* A directory of links, or one link: the first @n bytes of @name. */
static int put_in_place(int dir_fd, const char *name, size_t n)
{
	struct name aside, final;
	int err = join_name(ASIDE, name, n, &aside);

	if (err >= 0)
		err = join_name("", name, n, &final);
	if (err < 0)
		return err;
	return renameat(dir_fd, aside.text, dir_fd, final.text) < 0 ? -errno : 0;
}

/* The links of a directory one by one, from @first on, beside those of another generator. */
static int put_links_in_place(const struct emission *e, size_t first)
{
	const char *name = e->set->files[first].name;
	struct name aside;
	int err = join_name(ASIDE, name, dir_length(name), &aside);

	for (size_t i = first, next = 1; next > 0 && err >= 0; i = next) {
		name = e->set->files[i].name;
		err = put_in_place(e->dir_fd, name, strlen(name));
		next = dir_of(e, i)->next;
	}
	if (err < 0)
		return err;
	return unlinkat(e->dir_fd, aside.text, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* The directory that link @first is the first of: at once, unless it exists already. */
static int put_dir_in_place(const struct emission *e, size_t first)
{
	const char *name = e->set->files[first].name;
	int err = put_in_place(e->dir_fd, name, dir_length(name));

	return err == -EEXIST || err == -ENOTEMPTY ? put_links_in_place(e, first) : err;
}

static int write_set(struct emission *e, struct emit_failure *failure)
{
	const struct unit_set *set = e->set;
	int err;

	while (e->written < set->n_files) {
		const char *name = set->files[e->written].name;

		failure->name = name;
		err = e->written < set->first_link ? write_next(e, name) : write_next_link_aside(e);
		if (err < 0)
			return err;
	}

	for (size_t i = set->first_link; i < set->n_files; i++) {
		if (dir_of(e, i)->first != i)
			continue;
		failure->name = set->files[i].name;
		err = put_dir_in_place(e, i);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The directory that @name is in. Fails, as it should, when somebody else's file is in it. */
static void remove_parent(int dir_fd, const char *prefix, const char *name)
{
	struct name parent;

	if (strchr(name, '/') && join_name(prefix, name, dir_length(name), &parent) >= 0)
		unlinkat(dir_fd, parent.text, AT_REMOVEDIR);
}

static bool remove_one(int dir_fd, const char *prefix, const char *name)
{
	struct name full;

	if (join_name(prefix, name, strlen(name), &full) < 0 || unlinkat(dir_fd, full.text, 0) < 0)
		return false;
	remove_parent(dir_fd, prefix, name);
	return true;
}

/* Removes what has been written, the last first. Also in a signal handler: no heap, no locks. */
static void undo(const struct emission *e)
{
	const struct unit_set *set = e->set;

	/* Perhaps it was made for a file that could not be. */
	if (e->written < set->n_files)
		remove_parent(e->dir_fd, e->written < set->first_link ? "" : ASIDE,
			      set->files[e->written].name);
	for (size_t i = e->written; i > 0; i--) {
		const char *name = set->files[i - 1].name;

		/* A link that is no longer aside is in place. */
		if (i <= set->first_link || !remove_one(e->dir_fd, ASIDE, name))
			remove_one(e->dir_fd, "", name);
	}
}

void emit_give_up(void)
{
	const struct emission *e = running;

	if (e)
		undo(e);
}

static int emit_unblocked(int dir_fd, const struct unit_set *set, struct emit_failure *failure)
{
	struct emission e = { .dir_fd = dir_fd, .set = set };
	int err = find_dirs(&e);

	running = &e;
	if (err >= 0)
		err = write_set(&e, failure);
	if (err < 0)
		undo(&e);
	running = NULL;
	free(e.dirs);
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
