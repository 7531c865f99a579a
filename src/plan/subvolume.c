/* SPDX-License-Identifier: MIT */
#include "plan/subvolume.h"

#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"

struct shown {
	char *path; /* from the outermost subvolume on, clean; NULL: there is only a number */
	char *id;   /* NULL: none is given */
};

static void shown_done(struct shown *s)
{
	free(s->path);
	free(s->id);
}

static bool is_outermost(const char *id)
{
	return strcmp(id, "5") == 0 || strcmp(id, "0") == 0;
}

static int find_shown(const char *options, struct shown *ret)
{
	_cleanup_free_ char *name = NULL, *directory = NULL;
	int err = fstab_option_value(options, "subvolid", &ret->id);

	if (err >= 0)
		err = fstab_option_value(options, "subvol", &name);
	if (err >= 0)
		err = fstab_option_value(options, "X-mount.subdir", &directory);
	if (err < 0 || (!name && ret->id && !is_outermost(ret->id)))
		return err;
	/* Without either it is the default one, which is the outermost if nobody has changed that. */
	err = text_format(&ret->path, "/%s/%s", name ? name : "", directory ? directory : "");
	if (err >= 0)
		path_clean(ret->path);
	return err;
}

static enum subvolumes compare_paths(const char *one, const char *two)
{
	if (strcmp(one, two) == 0)
		return SUBVOLUMES_SAME;
	if (path_is_below(two, one))
		return SUBVOLUMES_OUTER;
	return path_is_below(one, two) ? SUBVOLUMES_INNER : SUBVOLUMES_SEPARATE;
}

int subvolume_compare(const char *one, const char *two)
{
	_cleanup_(shown_done) struct shown a = { 0 }, b = { 0 };
	int err = find_shown(one, &a);

	if (err >= 0)
		err = find_shown(two, &b);
	if (err < 0)
		return err;
	if (a.path && b.path)
		return compare_paths(a.path, b.path);
	return a.id && b.id && strcmp(a.id, b.id) == 0 ? SUBVOLUMES_SAME : SUBVOLUMES_UNKNOWN;
}

bool subvolume_is_btrfs(const struct fstab_entry *e)
{
	return strcmp(e->type, "btrfs") == 0 || fstab_has_option(e->options, "subvol") ||
	       fstab_has_option(e->options, "subvolid");
}
