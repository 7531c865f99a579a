/* SPDX-License-Identifier: MIT */
#include "system/setting-read.h"

#include <fnmatch.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "system/dir-names.h"
#include "system/unit-file.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define FILES_MAX      1000u /* that one pattern stands for */

/* struct reading - the files of one setting */
struct reading {
	const struct unit_dirs *dirs;
	const struct setting *setting;
	const char *file;    /* that is read */
	unsigned first_line; /* of the text in the file, counted from 0 */
	setting_each each;
	void *data;
};

static int found(void *data, const char *value, unsigned line)
{
	const struct reading *x = data;

	return x->each(x->data, value, x->file, x->first_line + line);
}

static int read_file(struct reading *x, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = rootfs_read(x->dirs->root, path, FILE_BYTES_MAX, &text, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	x->file = path;
	return setting_find(x->setting, text, found, x);
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

/* What ExecStart= of a unit says, with its drop-ins. */
static int read_command_lines(struct reading *x, const char *unit)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	const struct unit_setting *e = NULL;
	int err = unit_file_read(x->dirs, unit, &u);

	while (err >= 0 && (e = unit_file_next(&u, "Service", "ExecStart", e))) {
		_cleanup_free_ char *text = strdup(e->value);

		if (!text)
			return -ENOMEM;
		x->file = e->pos.file;
		x->first_line = e->pos.line - 1;
		err = setting_find(x->setting, text, found, x);
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
		return read_command_lines(&x, s->file);
	/* A home directory may be called anything, also by what is a pattern. */
	if (!home || strchr(home->dir, '*'))
		return 0;
	err = setting_path(home, s->file, &path);
	return err < 0 ? err : read_matching(&x, path);
}
