/* SPDX-License-Identifier: MIT */
#include "system/confdirs.h"

#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "conf/ini.h"

#define MAIN_FILE  "rofs.conf"
#define DROPIN_DIR "rofs.conf.d"

/* Highest first. */
static const char *const dirs[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib" };

struct dropin {
	char *name; /* owned */
	size_t dir; /* index into dirs */
};

struct dropins {
	struct dropin *list;
	size_t n;
};

static void dropins_done(struct dropins *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->list[i].name);
	free(x->list);
}

static int report(struct conf *conf, const char *path, int err, struct diag *d)
{
	if (err == -ENOMEM)
		return err;
	rootfs_note_unread(err, d);
	return conf_unreadable(conf, path, rootfs_explain(err), d);
}

/* Is there a file of this name, if only a link that leads nowhere? */
static bool is_listed(const struct rootfs *r, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* Most are not there; and this is one call, if not inside the system on each link. */
	if (rootfs_stat(r, path, &st) == -ENOENT)
		return false;
	dir = strndup(path, (size_t)(name - path));
	fd = dir ? rootfs_open_dir(r, dir) : -ENOMEM;
	if (fd < 0)
		return fd != -ENOENT;
	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/*
 * Returns 1 if the file exists, read or not, and 0 if it does not. A link to /dev/null says that
 * nothing is declared; one that leads nowhere says nothing.
 */
static int read_file(const struct rootfs *r, const char *path, struct conf *conf, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err;

	if (rootfs_is_masked(r, path))
		return 1;

	err = rootfs_read(r, path, INI_FILE_BYTES_MAX, &text, &len);
	if (err == -ENOENT && !is_listed(r, path))
		return 0;
	err = err < 0 ? report(conf, path, err, d) : conf_read(conf, path, text, len, d);
	return err < 0 ? err : 1;
}

static int read_main_file(const struct rootfs *r, struct conf *conf, struct diag *d)
{
	for (size_t i = 0; i < ELEMENTSOF(dirs); i++) {
		_cleanup_free_ char *path = NULL;
		int err = text_format(&path, "%s/" MAIN_FILE, dirs[i]);

		if (err < 0)
			return err;
		err = read_file(r, path, conf, d);
		if (err != 0)
			return err < 0 ? err : 0;
	}
	return 0;
}

static bool is_dropin_name(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

struct listing {
	struct dropins *dropins;
	size_t dir;
};

static int add_dropin(void *data, const char *name)
{
	const struct listing *l = data;
	struct dropins *x = l->dropins;
	char *copy;

	if (!is_dropin_name(name))
		return 0;
	if (array_reserve(x->list, x->n) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	x->list[x->n++] = (struct dropin){ copy, l->dir };
	return 0;
}

static int list_dir(const struct rootfs *r, const char *path, size_t dir, struct conf *conf,
		    struct dropins *x, struct diag *d)
{
	struct listing l = { x, dir };
	int err = each_name(rootfs_open_dir(r, path), add_dropin, &l);

	if (err >= 0 || (err == -ENOENT && !is_listed(r, path)))
		return 0;
	return report(conf, path, err, d);
}

static int compare(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->dir < y->dir ? -1 : x->dir > y->dir;
}

/* Returns 1 if it exists, and 0 if it does not. */
static int read_dropin(const struct rootfs *r, const struct dropin *x, struct conf *conf,
		       struct diag *d)
{
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "%s/" DROPIN_DIR "/%s", dirs[x->dir], x->name);

	if (err < 0)
		return err;
	/* The name goes into comments and SourcePath= of units. */
	if (!text_has_control(path) && text_is_utf8(path, strlen(path)))
		return read_file(r, path, conf, d);

	err = conf_unreadable(conf, path,
			      "its name has a control character or a byte that is not UTF-8", d);
	return err < 0 ? err : 1;
}

int confdirs_read_dropins(const struct rootfs *r, struct conf *conf, struct diag *d)
{
	_cleanup_(dropins_done) struct dropins x = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++) {
		_cleanup_free_ char *path = NULL;
		int err = text_format(&path, "%s/" DROPIN_DIR, dirs[i]);

		if (err < 0)
			return err;
		err = list_dir(r, path, i, conf, &x, d);
		if (err < 0)
			return err;
	}

	if (x.n > 0)
		qsort(x.list, x.n, sizeof(*x.list), compare);
	for (size_t i = 0; i < x.n; i++) {
		int found = read_dropin(r, &x.list[i], conf, d);

		if (found < 0)
			return found;
		/* The others of this name are masked; unless it has been removed since. */
		while (found && i + 1 < x.n && strcmp(x.list[i].name, x.list[i + 1].name) == 0)
			i++;
	}
	return 0;
}

int confdirs_read(const struct rootfs *r, struct conf *conf, struct diag *d)
{
	int err;

	err = read_main_file(r, conf, d);
	if (err < 0)
		return err;
	err = confdirs_read_dropins(r, conf, d);
	if (err < 0)
		return err;

	conf_check(conf, d);
	return 0;
}
