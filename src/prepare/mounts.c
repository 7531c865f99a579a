/* SPDX-License-Identifier: MIT */
#include "prepare/mounts.h"

#include <errno.h>

#include "basic/macro.h"
#include "prepare/bind.h"
#include "prepare/mount-error.h"
#include "prepare/mount-once.h"
#include "unit/options.h"

static void mount_pool(const struct plan_pool *pool)
{
	_cleanup_free_ char *options = NULL;

	if (pool->early && make_mount_point(pool->dir) >= 0 && options_pool(pool, &options) >= 0)
		mount_or_leave("rofs", pool->dir, "tmpfs", options);
}

void mounts_pools(const struct plan *p)
{
	/* The shared pool first: the others, and /rofs/ro, have their mount points in it. */
	mount_pool(&p->pools[0]);
	if (make_mount_point("/rofs/ro") >= 0)
		mount_or_leave("/", "/rofs/ro", NULL, OPTIONS_RO);
	for (size_t i = 1; i < p->n_pools; i++)
		mount_pool(&p->pools[i]);
	if (p->tmp)
		mount_or_leave("tmpfs", "/tmp", "tmpfs", OPTIONS_TMP);
}

int mounts_merged_in(const struct plan *p, const struct plan_overlay *o, const struct layers *l)
{
	_cleanup_free_ char *options = NULL;
	int err;

	if (options_merged(p, o, l->dir, &options) < 0)
		return -ENOMEM;
	err = make_mount_point(l->merged);
	if (err < 0)
		return err;

	err = mount_once("rofs", l->merged, "overlay", options);
	if (err >= 0 || err == -ENODEV)
		return err;
	mount_leave_to_unit(l->merged, err);
	return mount_error_explain(o, l->dir, err);
}

int mounts_merged(const struct plan *p, const struct plan_overlay *o)
{
	struct layers l = layers_declared(o);

	return mounts_merged_in(p, o, &l);
}

int mounts_overlay(const struct plan *p, const struct plan_overlay *o)
{
	int err = mounts_merged(p, o);

	if (err == -ENODEV)
		bind_read_only(o);
	if (err < 0)
		return err;
	bind_to_path(o->merged, o->path);
	return 0;
}
