/* SPDX-License-Identifier: MIT */
#include "system/initramfs-files.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "basic/text.h"
#include "system/dir-names.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)

int initramfs_files_add(struct initramfs_files *f, const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *text = NULL, *copy = NULL;
	size_t len;
	int err = rootfs_read(r, path, FILE_BYTES_MAX, &text, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	copy = strdup(path);
	if (!copy || array_reserve(f->list, f->n) < 0)
		return -ENOMEM;
	f->list[f->n++] = (struct initramfs_file){ TAKE_PTR(copy), TAKE_PTR(text) };
	return 0;
}

void initramfs_files_done(struct initramfs_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].path);
		free(f->list[i].text);
	}
	free(f->list);
	*f = (struct initramfs_files){ 0 };
}

/* maybe_add_conf() of mkinitramfs */
static bool is_tools_name(const char *name)
{
	if (!isalnum((unsigned char)*name) || strstr(name, ".dpkg-"))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

/* struct candidate - a file by its name, and the directory that it was found in */
struct candidate {
	const char *name;
	size_t dir;
};

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name ? by_name : (int)x->dir - (int)y->dir;
}

static int compare_versions(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int by_name = strverscmp(x->name, y->name);

	return by_name ? by_name : compare(a, b);
}

static int add_sorted(struct initramfs_files *f, const struct rootfs *r,
		      const struct initramfs_dirs *dirs, const struct candidate *sorted, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && err >= 0; i++) {
		const struct candidate *c = &sorted[i];
		_cleanup_free_ char *path = NULL;

		if (i > 0 && strcmp(c->name, sorted[i - 1].name) == 0)
			continue;
		err = text_format(&path, "%s/%s", dirs->list[c->dir], c->name);
		if (err >= 0)
			err = initramfs_files_add(f, r, path);
	}
	return err;
}

int initramfs_files_add_dirs(struct initramfs_files *f, const struct rootfs *r,
			     const struct initramfs_dirs *dirs)
{
	_cleanup_dir_names_ struct dir_names first = { 0 }, second = { 0 };
	struct dir_names *names[] = { &first, &second };
	_cleanup_free_ struct candidate *all = NULL;
	_cleanup_free_ char *pattern = NULL;
	size_t n = 0;
	int err = text_format(&pattern, "*%s", dirs->suffix ? dirs->suffix : "");

	for (size_t d = 0; d < ELEMENTSOF(names) && dirs->list[d] && err >= 0; d++)
		err = dir_names_read(r, dirs->list[d], pattern, FNM_PERIOD, SIZE_MAX, names[d]);
	for (size_t d = 0; d < ELEMENTSOF(names) && err >= 0; d++)
		for (size_t i = 0; i < names[d]->n && err >= 0; i++) {
			if (!dirs->suffix && !is_tools_name(names[d]->list[i]))
				continue;
			err = array_reserve(all, n);
			if (err >= 0)
				all[n++] = (struct candidate){ names[d]->list[i], d };
		}
	if (err < 0)
		return err;
	if (n > 1)
		qsort(all, n, sizeof(*all), dirs->by_version ? compare_versions : compare);
	return add_sorted(f, r, dirs, all, n);
}

/* Returns: 1: this file sets the variable, and to @word, whatever the others say; 0, or -ENOMEM. */
static int brings(const struct initramfs_file *file, const char *name, const char *word)
{
	_cleanup_shell_variable_ struct shell_variable own = { .name = name };
	int set = shell_variable_read(&own, file->text);

	return set > 0 && word ? shell_variable_has(&own, word) : set;
}

int initramfs_files_variable(const struct initramfs_files *f, struct shell_variable *v,
			     const char *word, const char **ret_file)
{
	*ret_file = NULL;
	for (size_t i = 0; i < f->n; i++) {
		int err = shell_variable_read(v, f->list[i].text),
		    is_origin = err < 0 ? err : brings(&f->list[i], v->name, word);

		if (is_origin < 0)
			return -ENOMEM;
		if (is_origin > 0)
			*ret_file = f->list[i].path;
	}
	return 0;
}
