/* SPDX-License-Identifier: MIT */
#include "system/setting-read.h"

#include <fnmatch.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "system/dir-names.h"
#include "system/unit-file.h"
#include "system/unit-specifiers.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define FILES_MAX      1000u /* of one setting */
#define DEPTH_MAX      8u    /* of files that include others */

/* struct last - the last value so far; owned */
struct last {
	char *value, *file;
	unsigned line;
};

/* struct reading - the files of one setting */
struct reading {
	const struct unit_dirs *dirs;
	const struct setting *setting;
	const char *file;    /* that is read */
	unsigned first_line; /* of the text in the file, counted from 0 */
	size_t n_files;
	unsigned depth;	  /* 0: of a file that is included by none */
	struct last last; /* of what that one and those that it includes say */
	setting_each each;
	void *data;
};

static void last_done(struct last *l)
{
	free(l->value);
	free(l->file);
	*l = (struct last){ 0 };
}

static int found(void *data, const char *value, unsigned line)
{
	struct reading *x = data;

	line += x->first_line;
	if (x->setting->count != SETTING_COUNT_LAST_OF_FILE)
		return x->each(x->data, value, x->file, line);
	last_done(&x->last);
	x->last = (struct last){ strdup(value), strdup(x->file), line };
	return x->last.value && x->last.file ? 0 : -ENOMEM;
}

static int read_included(void *data, const char *value);

/* What cannot be read says nothing. */
static int read_text(struct reading *x, const char *path)
{
	const struct setting_visitor v = { found, read_included, x };
	_cleanup_free_ char *text = NULL;
	const char *file = x->file;
	size_t len;
	int err;

	if (x->n_files++ >= FILES_MAX)
		return 0;
	err = rootfs_read(x->dirs->root, path, FILE_BYTES_MAX, &text, &len);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	x->file = path;
	err = setting_find(x->setting, text, &v);
	x->file = file;
	return err;
}

static int read_file(struct reading *x, const char *path)
{
	int err = read_text(x, path);

	if (err >= 0 && x->depth == 0 && x->last.value)
		err = x->each(x->data, x->last.value, x->last.file, x->last.line);
	if (x->depth == 0)
		last_done(&x->last);
	return err;
}

static int read_matching(struct reading *x, const char *pattern);

/* @component: in @pattern, @n bytes long, the first one that is a pattern. */
static int read_matching_names(struct reading *x, const char *pattern, const char *component,
			       size_t n)
{
	_cleanup_free_ char *dir = strndup(pattern, (size_t)(component - pattern));
	_cleanup_free_ char *name = strndup(component, n);
	_cleanup_dir_names_ struct dir_names names = { 0 };
	int err;

	if (!dir || !name)
		return -ENOMEM;
	err = dir_names_read(x->dirs->root, dir, name, FNM_PERIOD | FNM_EXTMATCH, FILES_MAX,
			     &names);
	if (err < 0)
		return err;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = NULL;

		err = text_format(&path, "%s%s%s", dir, names.list[i], component + n);
		if (err >= 0)
			err = component[n] ? read_matching(x, path) : read_file(x, path);
		if (err < 0)
			return err;
	}
	return 0;
}

/* All files that a path with patterns stands for, by name. */
static int read_matching(struct reading *x, const char *pattern)
{
	const char *star = strchr(pattern, '*'), *begin = star;

	if (!star)
		return read_file(x, pattern);
	while (begin > pattern && begin[-1] != '/')
		begin--;
	return read_matching_names(x, pattern, begin, strcspn(begin, "/"));
}

/* A relative one begins in the directory of the file that includes it. */
static int included_path(const struct reading *x, const char *value, char **ret)
{
	if (*value == '/')
		return text_format(ret, "%s", value);
	return text_format(ret, "%.*s/%s", (int)(strrchr(x->file, '/') - x->file), x->file, value);
}

/* The files of a directory are called as the file that includes it: *.cnf in my.cnf. */
static int read_included_dir(struct reading *x, const char *dir)
{
	const char *suffix = strrchr(strrchr(x->file, '/'), '.');
	_cleanup_free_ char *pattern = NULL;
	int err = text_format(&pattern, "%s/*%s", dir, suffix ? suffix : "");

	return err < 0 ? err : read_matching(x, pattern);
}

static int read_included(void *data, const char *value)
{
	struct reading *x = data;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int dir = -1;
	int err;

	if (x->depth >= DEPTH_MAX)
		return 0;
	err = included_path(x, value, &path);
	if (err < 0)
		return err;
	dir = strchr(path, '*') ? -1 : rootfs_open_dir(x->dirs->root, path);
	x->depth++;
	err = dir >= 0 ? read_included_dir(x, path) : read_matching(x, path);
	x->depth--;
	return err;
}

static int read_words(struct reading *x, const struct unit_setting *e)
{
	const struct setting_visitor v = { found, NULL, x };
	_cleanup_free_ char *text = strdup(e->value);
	int err;

	if (!text)
		return -ENOMEM;
	x->file = e->pos.file;
	x->first_line = e->pos.line - 1;
	err = setting_find(x->setting, text, &v);
	x->first_line = 0;
	return err;
}

/* A path, or a pattern, that a dash may precede. */
static int read_environment_file(struct reading *x, const struct unit_setting *e, const char *unit)
{
	_cleanup_free_ char *path = NULL;
	int err = unit_specifiers_expand(e->value + (e->value[0] == '-'), unit, NULL, &path);

	if (err != 0 || path[0] != '/')
		return err < 0 ? err : 0;
	return read_matching(x, path);
}

/* What the command line of a unit says, or the variables that may be part of it, with its drop-ins. */
static int read_unit(struct reading *x, const char *unit)
{
	static const char *const keys[] = { "Environment", "EnvironmentFile", "ExecStart" };
	_cleanup_unit_file_ struct unit_file u = { 0 };
	int err = unit_file_read(x->dirs, unit, &u);

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		const struct unit_setting *e = NULL;

		while (err >= 0 && (e = unit_file_next(&u, "Service", keys[i], e)))
			err = strcmp(keys[i], "EnvironmentFile") == 0 ?
				      read_environment_file(x, e, unit) :
				      read_words(x, e);
	}
	return err;
}

int setting_path(const struct home *home, const char *path, char **ret)
{
	if (path[0] != '~')
		return text_format(ret, "%s", path);
	return text_format(ret, "%s%s", home ? home->dir : "", path + 1);
}

int setting_read(const struct unit_dirs *dirs, const struct setting *s, const struct home *home,
		 setting_each each, void *data)
{
	struct reading x = { .dirs = dirs, .setting = s, .each = each, .data = data };
	_cleanup_free_ char *path = NULL;
	int err;

	if (s->file[0] == '/')
		return read_matching(&x, s->file);
	if (s->file[0] != '~')
		return read_unit(&x, s->file);
	/* A home directory may be called anything, also by what is a pattern. */
	if (!home || strchr(home->dir, '*'))
		return 0;
	err = setting_path(home, s->file, &path);
	return err < 0 ? err : read_matching(&x, path);
}
