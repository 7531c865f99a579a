/* SPDX-License-Identifier: MIT */
#include "transaction/caches.h"

#include <fcntl.h>

#include "basic/io.h"
#include "basic/macro.h"

void caches_drop(int root_fd)
{
	_cleanup_close_ int fd = openat(root_fd, "proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)write_all(fd, "2", 1);
}
