/* SPDX-License-Identifier: MIT */
#include "rofs/changes/asked-paths.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "system/log.h"

void asked_paths_done(struct asked_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->paths[i].path);
	free(p->paths);
	*p = (struct asked_paths){ 0 };
}

static int make_absolute(const char *argument, char **ret)
{
	_cleanup_free_ char *cwd = NULL;

	if (argument[0] == '/')
		return text_format(ret, "%s", argument);
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return errno == ENOMEM ? -ENOMEM : -ENOENT; /* it has been deleted */
	return text_format(ret, "%s/%s", cwd, argument);
}

/* With a slash at its end, what a link leads to is meant. */
static bool is_of_directory(const char *path)
{
	size_t n = strlen(path);

	return path[n - 1] == '/' || (n > 1 && strcmp(path + n - 2, "/.") == 0);
}

/* Follows links as lstat(2) does: not at the end, unless it is that of a @directory. */
static int resolve_parent(const struct rootfs *live, char *path, bool directory, char **ret)
{
	_cleanup_free_ char *parent = NULL;
	char *slash = strrchr(path, '/');
	int err;

	if (directory || strcmp(slash, "/..") == 0 || !slash[1])
		return rootfs_resolve(live, path, ret);

	*slash = '\0';
	err = rootfs_resolve(live, slash == path ? "/" : path, &parent);
	*slash = '/';
	if (err < 0)
		return err;
	return text_format(ret, "%s%s", strcmp(parent, "/") == 0 ? "" : parent, slash);
}

const struct plan_overlay *asked_paths_overlay(const struct plan *p, const char *path)
{
	const struct plan_overlay *best = NULL;

	for (size_t i = 0; i < p->n_overlays; i++)
		if (path_is_at_or_below(path, p->overlays[i].path) &&
		    (!best || path_is_below(p->overlays[i].path, best->path)))
			best = &p->overlays[i];
	return best;
}

static bool is_above_overlay(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (path_is_below(p->overlays[i].path, path))
			return true;
	return false;
}

/* The file system of the directory at @path, or of the nearest one above. */
static int device_of(int root_fd, const char *path, dev_t *ret)
{
	_cleanup_free_ char *copy = strdup(path + 1);
	struct stat st;

	if (!copy)
		return -ENOMEM;
	for (;;) {
		char *slash = strrchr(copy, '/');

		if (fstatat(root_fd, *copy ? copy : ".", &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT && errno != ENOTDIR)
				return -errno;
		} else if (S_ISDIR(st.st_mode)) {
			*ret = st.st_dev;
			return 0;
		}
		if (!*copy)
			return -ENOENT;
		*(slash ? slash : copy) = '\0';
	}
}

/* Is nothing else mounted over the overlay there? Returns: 1, 0 or -errno. */
static int is_same_device(int root_fd, const char *path, const char *overlay)
{
	dev_t here, there;
	int err = device_of(root_fd, path, &here);

	if (err >= 0)
		err = device_of(root_fd, overlay, &there);
	return err < 0 ? err : here == there;
}

static const struct plan_persist *persist_of(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(path, p->persists[i].path))
			return &p->persists[i];
	return NULL;
}

/* What a path leads to, for a command that reads upper layers. */
enum target {
	TARGET_LAYER,	  /* an overlay, or what is above one */
	TARGET_PARTITION, /* the partition of a persist */
	TARGET_COVERED,	  /* another file system, mounted over an overlay */
	TARGET_OUTSIDE,	  /* the root file system or another one, outside all overlays */
};

/* Returns: an enum target or -errno. */
static int classify(const struct loaded *l, const char *path)
{
	const struct plan_overlay *o = asked_paths_overlay(&l->plan, path);
	const struct plan_persist *persist = persist_of(&l->plan, path);
	int same = o ? is_same_device(l->root.root_fd, path, o->path) : 0;

	if (same < 0)
		return same;
	if (persist && (!same || persist->conf->kind == PERSIST_FILE))
		return TARGET_PARTITION;
	if (same)
		return TARGET_LAYER;
	if (o)
		return TARGET_COVERED;
	return is_above_overlay(&l->plan, path) ? TARGET_LAYER : TARGET_OUTSIDE;
}

static void log_outside(const struct plan *p, const char *shown)
{
	_cleanup_strbuf_ struct strbuf all = { 0 };

	for (size_t i = 0; i < p->n_overlays; i++)
		strbuf_addf(&all, " %s", p->overlays[i].path);
	log_error(0, "%s is not below an overlay; the overlays are:%s", shown,
		  all.failed || !all.text ? " none" : all.text);
}

/* @shown: @path for a terminal. Returns 0, -EINVAL, having said what is there instead, or another -errno. */
static int check(const struct loaded *l, const char *path, const char *shown)
{
	int target = classify(l, path);

	if (target < 0)
		return target;
	switch ((enum target)target) {
	case TARGET_LAYER:
		return 0;
	case TARGET_PARTITION:
		log_error(0, "%s is on partition %s, not below an overlay", shown,
			  persist_of(&l->plan, path)->conf->partition);
		break;
	case TARGET_COVERED:
		log_error(0, "%s is on another file system, mounted over the overlay on %s", shown,
			  asked_paths_overlay(&l->plan, path)->path);
		break;
	case TARGET_OUTSIDE:
		log_outside(&l->plan, shown);
		break;
	}
	return -EINVAL;
}

static bool is_near_overlay(const struct plan *p, const char *path)
{
	return asked_paths_overlay(p, path) || is_above_overlay(p, path);
}

/* The absolute path, with links followed. */
static int resolve(const struct loaded *l, const char *argument, char **ret)
{
	const struct rootfs live = { .root_fd = l->root.root_fd, .lower_fd = l->root.root_fd };
	_cleanup_free_ char *absolute = NULL, *path = NULL, *target = NULL;
	int err = make_absolute(argument, &absolute);
	bool directory;

	if (err < 0)
		return err;
	directory = is_of_directory(absolute);
	path_clean(absolute);
	err = resolve_parent(&live, absolute, directory, &path);
	if (err < 0)
		return err;

	/* A link to an overlaid directory is meant for what it leads to: /home -> /var/home. */
	if (!is_near_overlay(&l->plan, path)) {
		err = rootfs_resolve(&live, absolute, &target);
		if (err < 0)
			return err;
	}
	*ret = target && is_near_overlay(&l->plan, target) ? TAKE_PTR(target) : TAKE_PTR(path);
	return 0;
}

static int locate(const struct loaded *l, const char *argument, char **ret)
{
	_cleanup_free_ char *path = NULL, *shown = NULL;
	int err = resolve(l, argument, &path);

	if (err >= 0)
		err = text_escape(path, &shown);
	if (err >= 0)
		err = check(l, path, shown);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(path);
	return 0;
}

static void report(const char *argument, int err)
{
	_cleanup_free_ char *shown = NULL;

	if (text_escape(argument, &shown) == 0)
		log_error(err, "%s: %s", shown, strerror(-err));
}

static int compare_paths(const void *a, const void *b)
{
	const struct asked_path *x = a, *y = b;

	return path_compare(x->path, y->path);
}

/* Each once, so that none is below itself. */
static void drop_repeated(struct asked_paths *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (n > 0 && strcmp(p->paths[i].path, p->paths[n - 1].path) == 0)
			free(p->paths[i].path);
		else
			p->paths[n++] = p->paths[i];
	p->n = n;
}

static void sort(struct asked_paths *p)
{
	qsort(p->paths, p->n, sizeof(*p->paths), compare_paths);
	drop_repeated(p);
	for (size_t i = 0; i < p->n; i++) {
		size_t outer = i > 0 ? i - 1 : SIZE_MAX;

		while (outer != SIZE_MAX && !path_is_below(p->paths[i].path, p->paths[outer].path))
			outer = p->paths[outer].outer;
		p->paths[i].outer = outer;
	}
}

int asked_paths_read(const struct loaded *l, char **arguments, size_t n, struct asked_paths *ret)
{
	ret->paths = calloc(n + 1, sizeof(*ret->paths));
	if (!ret->paths)
		return -ENOMEM;

	for (; ret->n < n; ret->n++) {
		struct asked_path *p = &ret->paths[ret->n];
		int err;

		p->argument = arguments[ret->n];
		if (!*p->argument)
			return log_error(-EINVAL, "PATH is empty");
		err = locate(l, p->argument, &p->path);
		if (err < 0 && err != -EINVAL)
			report(p->argument, err);
		if (err < 0)
			return err;
	}
	sort(ret);
	return 0;
}

/* How many of the paths are before @path in the order of paths. */
static size_t count_before(const struct asked_paths *p, const char *path)
{
	return path_count_before(p->paths, p->n, sizeof(*p->paths), path);
}

bool asked_paths_names(const struct asked_paths *p, const char *path)
{
	size_t before = count_before(p, path);

	return before < p->n && strcmp(p->paths[before].path, path) == 0;
}

/*
 * The lowest of the paths that @path is at or below; SIZE_MAX: none. @before: count_before(). It is
 * the last one before @path, or one above that: all between the two are below it.
 */
static size_t lowest_above(const struct asked_paths *p, const char *path, size_t before)
{
	size_t i = before > 0 ? before - 1 : SIZE_MAX;

	if (before < p->n && strcmp(p->paths[before].path, path) == 0)
		return before;
	while (i != SIZE_MAX && !path_is_below(path, p->paths[i].path))
		i = p->paths[i].outer;
	return i;
}

bool asked_paths_leads(const struct asked_paths *p, const char *path)
{
	size_t before = count_before(p, path);

	if (p->n == 0 || lowest_above(p, path, before) != SIZE_MAX)
		return true;
	return before < p->n && path_is_below(p->paths[before].path, path);
}

bool asked_paths_covers(struct asked_paths *p, const char *path, bool hides)
{
	size_t before = count_before(p, path), above = lowest_above(p, path, before);
	bool covers = p->n == 0 || above != SIZE_MAX;

	/* Who has been found has all above it found as well. */
	for (; above != SIZE_MAX && !p->paths[above].found; above = p->paths[above].outer)
		p->paths[above].found = true;
	for (; hides && before < p->n && path_is_at_or_below(p->paths[before].path, path); before++)
		covers = p->paths[before].found = true;
	return covers;
}
