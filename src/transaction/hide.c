/* SPDX-License-Identifier: MIT */
#include "transaction/hide.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/overlay-attributes.h"
#include "transaction/window.h"

/* Somebody has made one before rofs did. It stays, and shows nothing of the lower one. */
static int hide_below(int upper_fd)
{
	_cleanup_close_ int fd = open_dir_at(upper_fd, WINDOW_OTHER_DIR);

	if (fd < 0) /* a whiteout, or another file */
		return fd == -ENOTDIR || fd == -ELOOP || fd == -ENOENT ? 0 : fd;
	return fsetxattr(fd, OVERLAY_ATTRIBUTE_OPAQUE, "y", 1, 0) < 0 ? -errno : 0;
}

int hide_in_upper(int upper_fd)
{
	if (mknodat(upper_fd, WINDOW_OTHER_DIR, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	return errno == EEXIST ? hide_below(upper_fd) : -errno;
}
