/* SPDX-License-Identifier: MIT */
/* Where well-known software keeps its data on this machine. */
#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "rofs/suggest/gather.h"
#include "system/software-read.h"

static enum path_use use_of(enum software_kind kind)
{
	switch (kind) {
	case SOFTWARE_CONTAINERS:
		return USE_CONTAINERS;
	case SOFTWARE_MACHINES:
		return USE_MACHINES;
	case SOFTWARE_APPLICATIONS:
	case SOFTWARE_DATABASE:
	case SOFTWARE_MAIL:
		return USE_DATA;
	case SOFTWARE_IDENTITY:
		return USE_IDENTITY;
	case SOFTWARE_STATE:
		return USE_STATE;
	case SOFTWARE_JOURNAL:
		return USE_JOURNAL;
	case SOFTWARE_LOG:
		return USE_LOG;
	case SOFTWARE_CACHE:
	case _SOFTWARE_KIND_MAX:
		break;
	}
	return USE_CACHE;
}

/* Settings and keys in /etc are part of the system: they are on the root file system, and stay there. */
static bool belongs_to_system(const struct software_place *p)
{
	return p->software->kind == SOFTWARE_IDENTITY && path_is_at_or_below(p->dir, "/etc");
}

static int is_something(_unused_ void *data, _unused_ const char *name)
{
	return -ENOTEMPTY;
}

/* Returns: 1, also if this user may not look into it; 0 or -ENOMEM. */
static int has_content(const struct rootfs *r, const char *dir)
{
	int err = each_name(rootfs_open_dir(r, dir), is_something, NULL);

	if (err == -ENOMEM)
		return err;
	return err < 0 && err != -ENOENT && err != -ENOTDIR;
}

/*
 * Without the software, its directory is left over, or of the distribution, unless something is in it.
 * Returns: 1, 0 or -ENOMEM.
 */
static int counts(const struct loaded *l, const struct software_place *p)
{
	if (belongs_to_system(p))
		return 0;
	return p->installed ? 1 : has_content(&l->root, p->path);
}

int gather_software(const struct loaded *l, struct machine *m)
{
	_cleanup_software_places_ struct software_places places = { 0 };
	int err = software_read(&l->root, &places);

	for (size_t i = 0; i < places.n && err >= 0; i++) {
		const struct software_place *p = &places.items[i];

		err = counts(l, p);
		if (err > 0)
			err = gather_path(l, m, p->dir, use_of(p->software->kind),
					  p->software->name, p->data->suffix);
	}
	return err;
}
