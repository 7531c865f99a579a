/* SPDX-License-Identifier: MIT */
/* The flags of chattr(1) of a file of an upper layer, some of which overlayfs keeps in an attribute. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/macro.h"
#include "layer/chattr.h"
#include "rofs/chroot/delta.h"

#define LOCKS ((unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL))

unsigned delta_flags_of_letters(const char *letters, ssize_t n)
{
	unsigned flags = 0;

	for (ssize_t i = 0; i < n; i++)
		flags |= letters[i] == 'i' ? FS_IMMUTABLE_FL : letters[i] == 'a' ? FS_APPEND_FL : 0;
	return flags;
}

unsigned delta_flags(int fd)
{
	char letters[DELTA_LETTERS_MAX];
	ssize_t n = fgetxattr(fd, OVERLAY_ATTRIBUTE_FLAGS, letters, sizeof(letters));

	return chattr_read(fd) | delta_flags_of_letters(letters, n);
}

bool delta_locks_differ(const struct upper_entry *e)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int upper = -1, lower = -1;

	if (!e->lower || !(S_ISREG(e->upper->st_mode) || S_ISDIR(e->upper->st_mode)))
		return false;
	upper = openat(e->upper_dir, e->name, flags);
	lower = openat(e->lower_dir, e->name, flags);
	return upper >= 0 && lower >= 0 &&
	       (delta_flags(upper) & LOCKS) != (chattr_read(lower) & LOCKS);
}
