/* SPDX-License-Identifier: MIT */
#include "prepare/mount-error.h"

#include <string.h>
#include <sys/statfs.h>

#include "basic/macro.h"
#include "prepare/kernel.h"
#include "system/log.h"

/* What overlayfs does with each: Documentation/filesystems/overlayfs.rst, ovl_dentry_weird(). */
static const struct kind {
	unsigned long magic;
	const char *name;
	bool ignores_case;    /* never a layer */
	bool may_ignore_case; /* if it was made so; some kernels accept it (7.2), some not (6.12) */
} kinds[] = {
	{ MSDOS_SUPER_MAGIC, "vfat", true, false },
	{ EXFAT_SUPER_MAGIC, "exfat", true, false },
	{ EXT4_SUPER_MAGIC, "ext4", false, true },
	{ F2FS_SUPER_MAGIC, "f2fs", false, true },
};

/* NULL: it is none of these, or its type is not known. */
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

int mount_error_explain(const struct plan_overlay *o, const char *dir, int err)
{
	const struct kind *lower = kind_of(o->lower), *upper = kind_of(dir);

	if (err == -EINVAL && lower && lower->ignores_case)
		return log_error(
			err,
			"%s: %s cannot be the lower of an overlay: its file names are case-insensitive",
			o->path, lower->name);
	if (err == -EINVAL && upper && upper->ignores_case)
		return log_error(
			err,
			"%s: %s cannot hold the changes of an overlay; use ext4, xfs, btrfs or f2fs",
			o->path, upper->name);
	if (err == -EINVAL && lower && lower->may_ignore_case)
		return log_error(
			err,
			"%s: this kernel does not accept this %s file system as the lower of an overlay; "
			"it may have been created with case-insensitive names (casefold); see journalctl -k",
			o->path, lower->name);
	return log_error(err, "%s: the kernel refused to mount the overlay: %s; see journalctl -k",
			 o->path, strerror(-err));
}
