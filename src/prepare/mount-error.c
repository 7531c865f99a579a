/* SPDX-License-Identifier: MIT */
#include "prepare/mount-error.h"

#include <string.h>
#include <sys/statfs.h>

#include "basic/file-system.h"
#include "system/log.h"

static const struct file_system *file_system_of(const char *dir)
{
	struct statfs st;

	/* What cannot be looked at has no known type. */
	return file_system_by_magic(statfs(dir, &st) < 0 ? 0 : (unsigned long)st.f_type);
}

int mount_error_explain(const struct plan_overlay *o, const char *dir, int err)
{
	const struct file_system *lower = file_system_of(o->lower), *upper = file_system_of(dir);

	if (err == -EINVAL && lower->layer == LAYER_NEVER)
		return log_error(
			err,
			"%s: %s cannot be the lower of an overlay; use ext4, xfs, btrfs, f2fs, squashfs or erofs, "
			"or remove [Overlay %s]",
			o->path, lower->name, o->conf->section.name);
	if (err == -EINVAL && upper->layer == LAYER_NEVER)
		return log_error(
			err,
			"%s: %s cannot hold the changes of an overlay; use ext4, xfs, btrfs or f2fs",
			o->path, upper->name);
	if (err == -EINVAL && lower->layer == LAYER_UNLESS_CASEFOLD)
		return log_error(
			err,
			"%s: this kernel does not accept this %s file system as the lower of an overlay; "
			"it may have been created with case-insensitive names (casefold, or Joliet without Rock "
			"Ridge); see journalctl -k",
			o->path, lower->name);
	return log_error(err, "%s: the kernel refused to mount the overlay: %s; see journalctl -k",
			 o->path, strerror(-err));
}
