/* SPDX-License-Identifier: MIT */
#include "rofs/ui/off.h"

#include <fcntl.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/mount-point.h"
#include "rofs/rofs.h"
#include "system/log.h"

int off_check(const struct loaded *l)
{
	_cleanup_free_ char *why = NULL;
	int mounted;

	if (faccessat(l->root.root_fd, &CHROOT_RUN_DIR[1], F_OK, 0) == 0)
		return log_error(ROFS_REFUSED, "this is a rofs chroot; exit it first");
	if (load_why_off(l, &why) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	if (why)
		return log_error(ROFS_OFF, "rofs is off in this boot: %s", why);
	mounted = mount_point_exists(l->root.root_fd, "rofs");
	if (mounted == 0)
		return log_error(ROFS_OFF, "rofs is off in this boot: /rofs is not mounted; "
					   "rofs.conf takes effect at the next boot");
	return mounted < 0 ? log_error(ROFS_WRONG, "/rofs: %s", strerror(-mounted)) : -1;
}
