/* SPDX-License-Identifier: MIT */
#include "system/unit-dirs.h"

#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"

/* Highest first: systemd.unit(5), "Unit File Load Path"; lookup_paths_init() in path-lookup.c. */
static const char *const image_dirs[] = {
	"/etc/systemd/system.control",	"/etc/systemd/system",
	"/etc/systemd/system.attached", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",	"/lib/systemd/system", /* of Debian before it merged /usr */
};

/* Without generator.early, which is that of rofs. */
static const char *const run_dirs[] = {
	"/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/system.attached",
	"/run/systemd/system",	       "/run/systemd/generator", "/run/systemd/generator.late",
};

static const char *const pulling[] = { ".wants", ".requires", ".upholds" };

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* /lib is mostly a link to usr/lib. */
static bool is_listed(const struct unit_dirs *d, int fd)
{
	for (size_t i = 0; i < d->n; i++)
		if (is_same(d->list[i].fd, fd))
			return true;
	return false;
}

struct unit_dirs unit_dirs_open(const struct rootfs *r, enum unit_origin origin)
{
	_Static_assert(ELEMENTSOF(image_dirs) <= UNIT_DIRS_MAX, "they fit");
	_Static_assert(ELEMENTSOF(run_dirs) <= UNIT_DIRS_MAX, "they fit");
	const char *const *paths = origin == UNIT_ORIGIN_RUN ? run_dirs : image_dirs;
	size_t n = origin == UNIT_ORIGIN_RUN ? ELEMENTSOF(run_dirs) : ELEMENTSOF(image_dirs);
	struct unit_dirs d = { .root = r };

	for (size_t i = 0; i < n; i++) {
		int fd = rootfs_open_dir(r, paths[i]);

		if (fd >= 0 && is_listed(&d, fd))
			closep(&fd);
		else if (fd >= 0)
			d.list[d.n++] = (struct unit_dir){ .path = paths[i], .fd = fd };
	}
	return d;
}

void unit_dirs_done(struct unit_dirs *d)
{
	for (size_t i = 0; i < d->n; i++) {
		closep(&d->list[i].fd);
		unit_names_done(&d->list[i].names);
	}
	*d = (struct unit_dirs){ 0 };
}

bool unit_dirs_has(const struct unit_dirs *d, size_t i, const char *name)
{
	const struct unit_dir *dir = &d->list[i];
	struct stat st;

	if (dir->indexed && strstr(name, dir->indexed))
		return unit_names_has(&dir->names, name);
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	rootfs_note(d->root, -errno);
	return false;
}

/* What is looked for in one directory after the other. */
struct search {
	const struct unit_dirs *dirs;
	const struct unit_dir *dir; /* the one being read */
	const char *name; /* suffix of units, part of names, or name of the unit that is pulled in */
	struct unit_names *found;
};

static int add_indexed(void *data, const char *name)
{
	const struct search *s = data;

	return strstr(name, s->name) ? unit_names_add(s->found, strdup(name)) : 0;
}

int unit_dirs_index(struct unit_dirs *d, const char *word)
{
	for (size_t i = 0; i < d->n; i++) {
		struct unit_dir *dir = &d->list[i];
		struct search s = { .name = word, .found = &dir->names };
		int err = each_name(open_dir_at(dir->fd, "."), add_indexed, &s);

		if (err == -ENOMEM)
			return err;
		/* Not all of them: then each is asked for, as before. */
		if (err < 0)
			continue;
		unit_names_sort(&dir->names);
		dir->indexed = word;
	}
	return 0;
}

/* Names in all directories. Whatever cannot be read of one has nothing, and is noted. */
static int search_all(struct search *s, int (*each)(void *data, const char *name))
{
	for (size_t i = 0; i < s->dirs->n; i++) {
		const struct rootfs *r = s->dirs->root;
		int err;

		s->dir = &s->dirs->list[i];
		err = rootfs_note(r, each_name(rootfs_open_dir(r, s->dir->path), each, s));
		if (err == -ENOMEM)
			return err;
	}
	unit_names_sort(s->found);
	return 0;
}

static int add_unit(void *data, const char *name)
{
	const struct search *s = data;

	return text_ends_in(name, s->name) ? unit_names_add(s->found, strdup(name)) : 0;
}

int unit_dirs_list(const struct unit_dirs *d, const char *suffix, struct unit_names *ret)
{
	struct search s = { .dirs = d, .name = suffix, .found = ret };

	return search_all(&s, add_unit);
}

bool unit_dirs_is_pulling(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(pulling); i++)
		if (text_ends_in(name, pulling[i]))
			return true;
	return false;
}

/* Is there no @link in the plain directory @name? Tells most of them with two calls. */
static bool is_without(const struct unit_dir *dir, const char *name, const char *link)
{
	struct stat st;

	return fstatat(dir->fd, link, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
	       fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int add_link(void *data, const char *name)
{
	const struct search *s = data;
	_cleanup_free_ char *dir = NULL, *link = NULL;

	if (!unit_dirs_is_pulling(name))
		return 0;
	if (text_format(&link, "%s/%s", name, s->name) < 0)
		return -ENOMEM;
	if (is_without(s->dir, name, link))
		return 0;
	if (text_format(&dir, "%s/%s", s->dir->path, name) < 0)
		return -ENOMEM;
	return rootfs_has(s->dirs->root, dir, s->name) ? unit_names_add(s->found, TAKE_PTR(link)) :
							 0;
}

static int add_instance(void *data, const char *name)
{
	const struct search *s = data;
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	return at && dot > at + 1 ? unit_names_add(s->found, strdup(name)) : 0;
}

static int add_instances(void *data, const char *name)
{
	const struct search *s = data;
	const struct rootfs *r = s->dirs->root;
	_cleanup_free_ char *dir = NULL;
	int err;

	if (!unit_dirs_is_pulling(name))
		return 0;
	err = text_format(&dir, "%s/%s", s->dir->path, name);
	if (err >= 0)
		err = rootfs_note(r, each_name(rootfs_open_dir(r, dir), add_instance, data));
	return err == -ENOMEM ? err : 0;
}

int unit_dirs_instances(const struct unit_dirs *d, struct unit_names *ret)
{
	struct search s = { .dirs = d, .found = ret };

	return search_all(&s, add_instances);
}

/*
 * The first directory that has the name decides. What is no link systemd ignores, as it does a link to
 * /dev/null. Returns: 1, 0 or -ENOMEM.
 */
static int is_masked(const struct unit_dirs *d, const char *link)
{
	for (size_t i = 0; i < d->n; i++) {
		_cleanup_free_ char *path = NULL, *dir = NULL;
		const char *slash = strchr(link, '/');

		if (text_format(&dir, "%s/%.*s", d->list[i].path, (int)(slash - link), link) < 0 ||
		    text_format(&path, "%s/%s", d->list[i].path, link) < 0)
			return -ENOMEM;
		if (rootfs_has(d->root, dir, slash + 1))
			return !rootfs_has_link(d->root, dir, slash + 1) ||
			       rootfs_is_masked(d->root, path);
	}
	return 0;
}

int unit_dirs_links(const struct unit_dirs *d, const char *name, struct unit_names *ret)
{
	struct search s = { .dirs = d, .name = name, .found = ret };
	size_t kept = 0;
	int err = search_all(&s, add_link);

	for (size_t i = 0; i < ret->n; i++) {
		int masked = err < 0 ? 0 : is_masked(d, ret->list[i]);

		if (masked < 0)
			err = masked;
		if (masked > 0)
			free(ret->list[i]);
		else
			ret->list[kept++] = ret->list[i];
	}
	ret->n = kept;
	return err;
}
