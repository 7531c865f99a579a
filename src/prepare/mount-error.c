/* SPDX-License-Identifier: MIT */
#include "prepare/mount-error.h"

#include <string.h>
#include <sys/statfs.h>

#include "prepare/kernel.h"
#include "prepare/prepare.h"
#include "system/log.h"

/* What each is for overlayfs: Documentation/filesystems/overlayfs.rst, ovl_dentry_weird(). */
static const struct kind {
	unsigned long magic; /* linux/magic.h, and kernel.h */
	const char *name;
	bool ignores_case;    /* never a layer */
	bool may_ignore_case; /* if made so, some kernels take it (7.2), some not (6.12) */
} kinds[] = {
	{ MAGIC_VFAT, "vfat", true, false },
	{ MAGIC_EXFAT, "exfat", true, false },
	{ 0xef53, "ext4", false, true },
	{ 0xf2f52010, "f2fs", false, true },
};

/* NULL: nothing is known of it, or it cannot be looked at. */
static const struct kind *kind_of(const char *dir)
{
	struct statfs st;

	if (statfs(dir, &st) < 0)
		return NULL;
	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		if ((unsigned long)st.f_type == kinds[i].magic)
			return &kinds[i];
	return NULL;
}

int mount_error_explain(const struct plan_overlay *o, int err)
{
	const struct kind *lower = kind_of(o->lower), *upper = kind_of(o->layers);

	if (err == -EINVAL && lower && lower->ignores_case)
		return log_error(
			err,
			"%s: %s cannot be the lower of an overlay, since it takes upper and lower case for the same name",
			o->path, lower->name);
	if (err == -EINVAL && upper && upper->ignores_case)
		return log_error(
			err,
			"%s: %s cannot hold the changes of an overlay; ext4, xfs, btrfs or f2fs can",
			o->path, upper->name);
	if (err == -EINVAL && lower && lower->may_ignore_case)
		return log_error(
			err,
			"%s: this kernel does not take the file system (%s) for the lower of an overlay; "
			"was it made with case-insensitive names (casefold)? journalctl -k says more",
			o->path, lower->name);
	return log_error(err,
			 "%s: the kernel does not mount the overlay: %s; journalctl -k says more",
			 o->path, strerror(-err));
}
