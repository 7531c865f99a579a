/* SPDX-License-Identifier: MIT */
#include "unit/options.h"

#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "plan/mount-flags.h"

int options_pool(const struct plan_pool *pool, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	/*
	 * Closed to others: layers hold older copies of files whose permissions may have been
	 * tightened since.
	 */
	strbuf_add(&b, "mode=0700,nosuid,nodev,noexec");
	if (pool->size.bytes)
		strbuf_addf(&b, ",size=%" PRIu64, pool->size.bytes);
	else if (pool->size.percent)
		strbuf_addf(&b, ",size=%u%%", pool->size.percent);
	if (pool->inodes)
		strbuf_addf(&b, ",nr_inodes=%" PRIu64, pool->inodes);
	return strbuf_take(&b, ret);
}

int options_plain(const struct plan_overlay *o, const char *bind, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_addf(&b, "%s,ro,private", bind);
	/* With a flag of its own, a bind does not keep those of what is bound. */
	mount_flags_add(&b, mount_flags(o->options) & ~(unsigned)MOUNT_READ_ONLY);
	return strbuf_take(&b, ret);
}

int options_merged(const struct plan *p, const struct plan_overlay *o, const char *dir, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	/* While its partition is missing, the layers of an overlay are in RAM. */
	bool kept = o->on_partition && strcmp(dir, o->layers) == 0;
	const char *features = kept ? p->kept_options : p->overlay_options;

	/*
	 * These paths have no character that the kernel, mount(8) or systemd would read differently:
	 * conf_is_layer_path().
	 */
	strbuf_addf(&b, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work",
		    o->lower_is_live ? OPTIONS_LOWER_DIR : o->lower, dir, dir);
	strbuf_addf(&b, "%s%s", *features ? "," : "", features);
	if (*o->options)
		strbuf_addf(&b, ",%s", o->options);
	/* Private: mounts on the bound path must not show up here a second time. */
	strbuf_add(&b, ",private");
	return strbuf_take(&b, ret);
}
