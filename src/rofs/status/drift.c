/* SPDX-License-Identifier: MIT */
#include "rofs/status/drift.h"

#include <string.h>

#include "basic/text.h"
#include "conf/ini.h"
#include "system/confdirs.h"
#include "unit/unit.h"

#define UNIT_BYTES_MAX ((size_t)64 * 1024 * 1024) /* rofs.fstab is the longest: as fstab */

void drift_done(struct drift *d)
{
	free(d->file);
	free(d->unit);
	*d = (struct drift){ 0 };
}

static bool same_text(const struct rootfs *a, const struct rootfs *b, const char *path)
{
	_cleanup_free_ char *x = NULL, *y = NULL;
	size_t nx = 0, ny = 0;
	int ex = rootfs_read(a, path, INI_FILE_BYTES_MAX, &x, &nx),
	    ey = rootfs_read(b, path, INI_FILE_BYTES_MAX, &y, &ny);

	if (ex < 0 || ey < 0)
		return ex == ey;
	return nx == ny && memcmp(x, y, nx) == 0;
}

static const char *first_difference(const struct rootfs *a, const struct rootfs *b,
				    const struct conf *files)
{
	for (size_t i = 0; i < files->n_files; i++)
		if (!same_text(a, b, files->files[i]))
			return files->files[i];
	return NULL;
}

static int copy(const char *name, char **ret)
{
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

/* What /etc shows against what is on flash: each file that one of the two has read. */
static int compare_files(const struct loaded *l, struct drift *d)
{
	_cleanup_rootfs_ struct rootfs merged = ROOTFS_INIT, kept = ROOTFS_INIT;
	const struct rootfs *force = load_open_published(&l->root, &kept) == 0 ? &kept : &l->root;
	_cleanup_conf_ struct conf conf = { 0 };
	_cleanup_diag_ struct diag ignored = { 0 };
	const char *path;
	int err;

	err = rootfs_open_merged(&l->root, &merged);
	if (err >= 0)
		err = conf_init(&conf);
	if (err >= 0)
		err = confdirs_read(&merged, &conf, &ignored);
	if (err < 0)
		return err == -ENOMEM ? err : 0;

	path = first_difference(force, &merged, &l->conf);
	if (!path)
		path = first_difference(force, &merged, &conf);
	return path ? copy(path, &d->file) : 0;
}

static bool is_as_written(const struct rootfs *r, const struct unit_file *u)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t n = 0;

	if (text_format(&path, UNIT_EARLY_DIR "/%s", u->name) < 0)
		return false;
	return rootfs_read(r, path, UNIT_BYTES_MAX, &text, &n) == 0 && n == strlen(u->text) &&
	       memcmp(text, u->text, n) == 0;
}

static bool was_generated(const struct rootfs *r)
{
	int fd = rootfs_open_dir(r, UNIT_EARLY_DIR);

	closep(&fd);
	return fd >= 0;
}

/* The units of this boot against those that the configuration would give now. */
static int compare_units(const struct loaded *l, struct drift *d)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	int err;

	if (!was_generated(&l->root))
		return 0; /* nothing is in force, which is another problem */
	err = units_render(&l->plan, ROFS_LIBEXEC_DIR, &set);
	if (err < 0)
		return err;
	for (size_t i = 0; i < set.first_link; i++)
		if (!set.files[i].link && !is_as_written(&l->root, &set.files[i]))
			return copy(set.files[i].name, &d->unit);
	return 0;
}

int drift_find(const struct loaded *l, struct drift *ret)
{
	_cleanup_drift_ struct drift d = { 0 };
	int err = 0;

	if (!l->blind)
		err = compare_files(l, &d);
	if (err >= 0)
		err = compare_units(l, &d);
	if (err < 0)
		return err;
	*ret = TAKE_STRUCT(d);
	return 0;
}
